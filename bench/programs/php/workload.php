<?php
// Works on the same data as often as the argument says; prints one digest a round, always the same.

final class Node {
    public array $children = [];
    public function __construct(public string $label, int $depth) {
        for ($i = 0; $depth > 0 && $i < 3; ++$i) $this->children[] = new Node("$label.$i", $depth - 1);
    }
    public function render(): string {
        $inner = implode("", array_map(fn(Node $child) => $child->render(), $this->children));
        return "<div class=\"" . htmlspecialchars($this->label) . "\">$inner</div>";
    }
}

function one_round(): string {
    mt_srand(11);
    $documents = [];
    for ($n = 0; $n < 8000; ++$n) {
        $tags = [];
        for ($i = mt_rand(0, 9); $i > 0; --$i) $tags[] = (string)mt_rand();
        $documents[] = ["id" => $n, "name" => str_repeat("n", mt_rand(0, 99)), "tags" => $tags, "at" => ["x" => $n, "y" => -$n]];
    }
    $parsed = json_decode(json_encode($documents), true);
    $by_tag = [];
    foreach ($parsed as $document) {
        foreach ($document["tags"] as $tag) $by_tag[substr($tag, 0, 4)][] = [$document["id"], $tag];
    }
    ksort($by_tag);
    $page = (new Node("root", 7))->render();
    preg_match_all('/class="([^"]+)"/', $page, $classes);
    $changed = preg_replace_callback('/\.(\d)(\d)/', fn(array $match) => "." . $match[2] . $match[1], $page);
    return hash("sha256", serialize([array_slice($by_tag, 0, 500), count($classes[1]), md5($changed)]));
}

for ($n = (int)$argv[1]; $n > 0; --$n) echo one_round(), "\n";
