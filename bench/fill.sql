-- 100,000 messages waiting in 1,000 mailboxes nobody reads, for the measure "flat". Rows of the
-- schema in sql/schema.sql; they count as present and undelivered for a day. src 0 marks them.
BEGIN IMMEDIATE;

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
INSERT INTO box (realm, token, until)
SELECT 'fill', randomblob(32), (strftime('%s', 'now') + 86400) * 1000 FROM n;

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
INSERT INTO msg (box, src, kind, due, size, body)
SELECT box.id, 0, 0, (strftime('%s', 'now') + 86400) * 1000, 209, zeroblob(209)
FROM n, box WHERE box.realm = 'fill';

COMMIT;
