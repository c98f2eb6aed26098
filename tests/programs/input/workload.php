<?php
// Work of PHP's own and of its extensions, which it opens with RTLD_DEEPBIND; every line printed depends on the data alone.
ini_set('memory_limit', '512M');

function line(string $title, string $text): void { echo $title, ': ', strlen($text), ' ', md5($text), "\n"; }

$words = [];
for ($i = 0; $i < 60000; ++$i) $words["key" . ($i * 7919 % 60000)] = str_repeat(chr(97 + $i % 26), $i % 50);
ksort($words);
line('array', serialize($words));
line('json', json_encode(json_decode(json_encode($words), true)));

$text = implode(' ', array_slice(array_keys($words), 0, 20000));
line('pattern', preg_replace_callback('/key(\d+)5\b/', fn($found) => $found[1] * 2, $text));
line('compressed and back', gzuncompress(gzcompress($text, 6)));
line('hash', hash('sha256', $text) . hash('xxh3', $text));
line('multibyte', mb_convert_encoding(mb_strtoupper(str_repeat("straße žluťoučký ", 2000)), 'UTF-16LE', 'UTF-8'));
line('iconv', iconv('UTF-8', 'ISO-8859-2//TRANSLIT', str_repeat('ěščřž', 5000)));

$document = new DOMDocument();
$root = $document->appendChild($document->createElement('root'));
for ($i = 0; $i < 5000; ++$i) {
  $item = $root->appendChild($document->createElement('item', "text $i"));
  $item->setAttribute('n', (string)($i % 17));
}
$parsed = new DOMDocument();
$parsed->loadXML($document->saveXML());
$found = (new DOMXPath($parsed))->query('//item[@n="3"]');
line('xpath', $found->length . $parsed->saveXML());
$sum = 0;
foreach (simplexml_load_string($parsed->saveXML())->item as $item) $sum += (int)$item['n'];
$reader = new XMLReader();
$reader->XML($parsed->saveXML());
for ($nodes = 0; $reader->read();) ++$nodes;
echo "simplexml $sum, reader $nodes\n";

$database = new PDO('sqlite::memory:', null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
$database->exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, value REAL)');
$database->beginTransaction();
$insert = $database->prepare('INSERT INTO t (name, value) VALUES (?, ?)');
for ($i = 0; $i < 20000; ++$i) $insert->execute(["name " . $i % 503, $i / 7]);
$database->commit();
$rows = $database->query('SELECT name, count(*), round(sum(value), 3) FROM t GROUP BY name ORDER BY name')->fetchAll();
line('sqlite', serialize($rows));

$names = array_keys(array_slice($words, 0, 5000));
shuffle($names);
(new Collator('cs_CZ'))->sort($names);
line('collator', implode("\n", $names));
line('formatted', (new NumberFormatter('de_DE', NumberFormatter::DECIMAL))->format(1234567.891)
  . Normalizer::normalize("e\u{301}", Normalizer::FORM_C));

function generate(int $count) { for ($i = 0; $i < $count; ++$i) yield new ArrayObject([$i, "object $i"]); }
$ring = new stdClass();
$ring->self = $ring;
$total = 0;
foreach (generate(50000) as $object) {
  $object->ring = $ring;
  $total += strlen($object[1]);
}
unset($ring, $object);
echo "objects $total, collected ", gc_collect_cycles() > 0 ? 'some' : 'none', "\n";

$children = [];
for ($i = 0; $i < 4; ++$i) {
  $pid = pcntl_fork();
  if ($pid === 0) exit(count(explode(' ', $text)) % 100 + $i);
  $children[] = $pid;
}
foreach ($children as $pid) {
  pcntl_waitpid($pid, $status);
  echo 'child ', pcntl_wexitstatus($status), "\n";
}
