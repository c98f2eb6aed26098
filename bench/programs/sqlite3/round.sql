-- Ends with one line of results, and with an empty database.
CREATE TABLE item (id INTEGER PRIMARY KEY, grp INTEGER, name TEXT, value INTEGER);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
INSERT INTO item SELECT i, i * 7919 % 1009, 'name-' || (i * 31 % 90000) || hex(zeroblob(i % 40)), i * 13 % 100003 FROM n;
CREATE INDEX item_by_name ON item (name);
CREATE INDEX item_by_value ON item (grp, value);
UPDATE item SET name = name || hex(zeroblob(value % 60)) WHERE grp % 5 = 0;
DELETE FROM item WHERE grp % 7 = 1;
CREATE VIRTUAL TABLE words USING fts5 (body);
INSERT INTO words SELECT 'word' || (id % 97) || ' word' || (id % 89) || ' number ' || value FROM item WHERE id % 4 = 0;
CREATE TABLE result AS
SELECT (SELECT sum(length(name)) FROM item) AS a,
  (SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id) AS b,
  (SELECT sum(r * id % 1000) FROM (SELECT id, row_number() OVER (PARTITION BY grp ORDER BY name, id) AS r FROM item)) AS c,
  (SELECT count(*) FROM words WHERE words MATCH 'word7 AND word42') AS d,
  (SELECT sum(json_extract(j, '$.v[1]')) FROM (SELECT json_object('n', name, 'v', json_array(id, value)) AS j FROM item)) AS e,
  (SELECT length(group_concat(upper(name))) FROM item) AS f;
SELECT * FROM result;
DROP TABLE result;
DROP TABLE words;
DROP TABLE item;
