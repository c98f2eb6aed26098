-- A million rows in memory; all results are determined by the data.
CREATE TABLE item (id INTEGER PRIMARY KEY, grp INTEGER, name TEXT, value INTEGER);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
INSERT INTO item SELECT i, i * 7919 % 1009, 'name-' || (i * 31 % 500000), i * 13 % 100003 FROM n;
SELECT count(*), sum(value), max(name) FROM item;
CREATE INDEX item_by_name ON item (name);
SELECT grp, count(*), sum(value), avg(length(name)) FROM item GROUP BY grp ORDER BY sum(value) DESC LIMIT 10;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id WHERE a.grp < 200;
SELECT sum(r) FROM (SELECT row_number() OVER (PARTITION BY grp ORDER BY value, id) AS r FROM item WHERE id % 5 = 0);
UPDATE item SET name = name || '-changed-' || hex(zeroblob(value % 60)) WHERE grp % 7 = 0;
DELETE FROM item WHERE grp % 3 = 1;
SELECT count(*), sum(length(name)) FROM item;
SELECT length(group_concat(name)) FROM item WHERE id < 200000;
SELECT sum(json_extract(j, '$.v')) FROM (SELECT json_object('v', value, 'n', name) AS j FROM item LIMIT 50000);
CREATE VIRTUAL TABLE text USING fts5 (body);
INSERT INTO text SELECT name || ' word' || (id % 50) FROM item LIMIT 30000;
SELECT count(*) FROM text WHERE text MATCH 'word7';
PRAGMA integrity_check;
