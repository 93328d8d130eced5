-- Every statement of the SQLite engine. `-- name:` begins one; C gets it by that name and binds
-- by name. A statement that scans a table or sorts says why in a `-- scan:` line, or the unit
-- tests (and every --enable-debug build) refuse it. `-- script:` begins several at once,
-- run when a database is opened.
--
-- :now is the time of the turn, :alive the earliest sign of life of a hub whose lease holds.

-- script: settings
-- On every connection. 400 kB of pages serve the hot set, and what a turn changes beyond them stays in
-- memory until its commit (written out before, half of it is read again); what is deleted is overwritten with
-- zeros, for descriptions hold addresses of people (`fast` leaves them in freed pages, for some 5 to 10 % less of
-- CPU); the loop never waits for a lock and never checkpoints.
PRAGMA cache_size = -400;
PRAGMA cache_spill = off;
PRAGMA temp_store = memory;
PRAGMA mmap_size = 0;
PRAGMA secure_delete = on;
PRAGMA foreign_keys = off;
PRAGMA trusted_schema = off;
PRAGMA wal_autocheckpoint = 0;
PRAGMA journal_size_limit = 33554432;

-- script: settings_fresh
-- Before the first page is written.
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = none;
PRAGMA encoding = 'UTF-8';

-- script: settings_wal
PRAGMA synchronous = normal;

-- script: settings_rollback
PRAGMA synchronous = full;

-- script: alone
-- Without shared memory: SQLite needs none for a WAL that one process has for itself.
PRAGMA locking_mode = exclusive;

-- script: among_others
PRAGMA locking_mode = normal;
SELECT count(*) FROM sqlite_master;

-- ---- turns ----

-- name: begin
BEGIN IMMEDIATE;

-- name: read_begin
BEGIN;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: mark
SAVEPOINT mark;

-- name: release
RELEASE mark;

-- name: undo
ROLLBACK TO mark;

-- ---- the file ----

-- name: application_id
PRAGMA application_id;

-- name: user_version
PRAGMA user_version;

-- name: tables
-- scan: once an open, and a foreign database is refused because of it
SELECT count(*) FROM sqlite_master;

-- name: data_version
PRAGMA data_version;

-- name: page_count
PRAGMA page_count;

-- name: page_size
PRAGMA page_size;

-- name: journal_mode
PRAGMA journal_mode;

-- name: journal_wal
PRAGMA journal_mode = wal;

-- name: journal_rollback
PRAGMA journal_mode = truncate;

-- name: meta_get
SELECT value FROM meta WHERE name = :name;

-- name: meta_set
INSERT INTO meta (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- ---- mailboxes ----

-- name: box_add
INSERT INTO box (realm, token, handle, until) VALUES (:realm, :token, :handle, :now)
ON CONFLICT DO NOTHING;

-- name: box_by_token
SELECT b.id, b.realm, b.state, b.hub, b.gen, b.until, b.taken, b.dropped, b.n,
	coalesce(h.seen >= :alive, b.until > :now), b.token
FROM box b LEFT JOIN hub h ON h.id = b.hub
WHERE b.realm = :realm AND b.token = :token;

-- name: box_by_handle
SELECT b.id, b.realm, b.state, b.hub, b.gen, b.until, b.taken, b.dropped, b.n,
	coalesce(h.seen >= :alive, b.until > :now), b.token
FROM box b LEFT JOIN hub h ON h.id = b.hub
WHERE b.realm = :realm AND b.handle = :handle;

-- name: box_get
SELECT b.id, b.realm, b.state, b.hub, b.gen, b.until, b.taken, b.dropped, b.n,
	coalesce(h.seen >= :alive, b.until > :now), b.token
FROM box b LEFT JOIN hub h ON h.id = b.hub
WHERE b.id = :id;

-- name: box_exists
SELECT 1 FROM box WHERE id = :id;

-- name: box_gen
SELECT gen FROM box WHERE id = :id;

-- name: box_attach
-- Not to a hub that has been forgotten: nobody would ever take the box away from it.
UPDATE box SET hub = :hub, gen = gen + 1, until = 0
WHERE id = :id AND EXISTS (SELECT 1 FROM hub WHERE hub.id = :hub);

-- name: box_detach
UPDATE box SET hub = 0, until = :until WHERE id = :id AND gen = :gen AND hub != 0;

-- name: box_end
-- Its token is free for a new box; by it, as its handle, the ended one is still found.
UPDATE box SET state = 1, handle = CASE state WHEN 0 THEN coalesce(handle, token) ELSE handle END,
	token = randomblob(32)
WHERE id = :id;

-- name: box_end_before
-- Somebody ended before with the same token: the later one is found.
UPDATE box SET handle = NULL
WHERE realm = (SELECT realm FROM box WHERE id = :id) AND handle = (SELECT token FROM box WHERE id = :id);

-- name: box_touch
UPDATE box SET until = :now WHERE id = :id AND hub = 0;

-- name: box_longest_away
-- Oldest first, of whatever realm: the reader stops at the first that fits.
SELECT id, realm, state FROM box WHERE hub = 0 AND until <= :limit ORDER BY until;

-- name: box_delete
DELETE FROM box WHERE id = :id;

-- name: box_kept
SELECT taken, kept, kept_bytes FROM box WHERE id = :id;

-- name: box_keep
UPDATE box SET taken = :taken, kept = :kept, kept_bytes = :bytes, dropped = max(dropped, :dropped)
WHERE id = :id;

-- name: box_drops
-- Before rows are deleted that were not acknowledged, the last of them :seq; :rows and :bytes of them
-- had been taken.
UPDATE box SET dropped = max(dropped, :seq), kept = kept - :rows, kept_bytes = kept_bytes - :bytes
WHERE id = :box;

-- name: box_forgets
-- Before a row is deleted that nobody shall miss.
UPDATE box SET kept = kept - 1, kept_bytes = kept_bytes - (SELECT size FROM msg WHERE seq = :seq)
WHERE id = (SELECT box FROM msg WHERE seq = :seq) AND taken >= :seq;

-- name: box_accept
UPDATE box SET n = :n WHERE id = :id AND n < :n;

-- ---- names ----

-- name: claim_other
SELECT 1 FROM claim WHERE realm = :realm AND name = :name AND box != :box LIMIT 1;

-- name: claim_add
INSERT INTO claim (realm, name, box) SELECT :realm, :name, id FROM box WHERE id = :box AND state = 0
ON CONFLICT DO NOTHING;

-- name: claim_has
SELECT 1 FROM claim WHERE realm = :realm AND name = :name AND box = :box;

-- name: claim_any
SELECT 1 FROM claim WHERE box = :box AND realm = :realm LIMIT 1;

-- name: claim_holders
-- Oldest first; the reader stops at the first one present.
SELECT b.id, b.realm, b.state, b.hub, b.gen, b.until, b.taken, b.dropped, b.n,
	coalesce(h.seen >= :alive, b.until > :now), b.token
FROM claim c INDEXED BY claim_name CROSS JOIN box b ON b.id = c.box LEFT JOIN hub h ON h.id = b.hub
WHERE c.realm = :realm AND c.name = :name ORDER BY c.id;

-- name: claim_names
SELECT c.name, c.id, c.box
FROM claim c INDEXED BY claim_name CROSS JOIN box b ON b.id = c.box LEFT JOIN hub h ON h.id = b.hub
WHERE c.realm = :realm AND coalesce(h.seen >= :alive, b.until > :now) ORDER BY c.name;

-- name: claim_drop
DELETE FROM claim WHERE realm = :realm AND name = :name AND box = :box;

-- name: claim_count
SELECT count(*) FROM claim WHERE box = :box AND realm = :realm;

-- name: claim_total
SELECT value FROM meta WHERE name = 'claims/' || :realm;

-- name: claim_forget
DELETE FROM claim WHERE box = :box;

-- ---- API keys ----

-- name: key_get
SELECT id, name, realm, enabled, discovery, expires, max_peers, rate, rate_ms, burst, origins, created, peers
FROM realm_key WHERE name = :name;

-- name: key_list
-- scan: all of them are wanted
SELECT id, name, realm, enabled, discovery, expires, max_peers, rate, rate_ms, burst, origins, created, peers
FROM realm_key ORDER BY name;

-- name: key_add
INSERT INTO realm_key (name, realm, created, peers)
VALUES (:name, :realm, :now, (SELECT count(*) FROM claim WHERE realm = 'peer/' || :realm));

-- name: key_change
UPDATE realm_key SET enabled = :enabled, discovery = :discovery, expires = :expires, max_peers = :max_peers,
	rate = :rate, rate_ms = :rate_ms, burst = :burst, origins = :origins
WHERE name = :name;

-- name: key_discovery
UPDATE realm_key SET discovery = :discovery WHERE name = :name;

-- name: key_drop
DELETE FROM realm_key WHERE name = :name;

-- name: key_realm
SELECT 1 FROM realm_key WHERE realm = :realm;

-- name: gone_add
INSERT INTO realm_gone (realm) VALUES (:realm) ON CONFLICT DO NOTHING;

-- name: gone_has
SELECT 1 FROM realm_gone WHERE realm = :realm;

-- name: gone_first
-- scan: the first row alone is read
SELECT realm FROM realm_gone LIMIT 1;

-- name: gone_box
SELECT id FROM box WHERE realm = :realm LIMIT 1;

-- name: gone_done
DELETE FROM realm_gone WHERE realm = :realm;

-- ---- links ----

-- name: link_add
INSERT INTO link (owner, other) VALUES (:owner, :other);

-- name: link_get
SELECT other FROM link WHERE id = :id AND owner = :owner;

-- name: link_sequence
-- scan: sqlite_sequence has three rows and no index
SELECT seq FROM sqlite_sequence WHERE name = 'link';

-- name: link_last
SELECT owner, id FROM link WHERE other = :other ORDER BY id DESC LIMIT 1;

-- name: link_between
SELECT id FROM link WHERE owner = :owner AND other = :other ORDER BY id DESC LIMIT 1;

-- name: link_waiting
SELECT id, other FROM link WHERE owner = :owner AND waiting = 1 ORDER BY id;

-- name: link_settle
UPDATE link SET waiting = 0 WHERE owner = :owner AND waiting = 1;

-- name: link_orphan
-- The other side still learns that its owner has ended.
UPDATE link SET owner = 0, waiting = 0 WHERE owner = :box;

-- name: link_forget
DELETE FROM link WHERE other = :box;

-- ---- messages ----

-- name: msg_room
-- What waits in a live box above the position taken: reads the index alone.
SELECT b.state, count(m.seq), sum(m.size), max(b.taken, :taken)
FROM box b LEFT JOIN msg m ON m.box = b.id AND m.seq > max(b.taken, :taken)
WHERE b.id = :box;

-- name: msg_add
INSERT INTO msg (seq, box, src, kind, due, size, body)
VALUES (:seq, :box, :src, :kind, :due, :size, :body);

-- name: msg_move
-- What waited for one mailbox waits for another, and is owed no more.
UPDATE msg SET box = :to, kind = CASE kind WHEN 6 THEN :kind ELSE kind END
WHERE box = :from AND seq > :after;

-- name: msg_requeue
UPDATE msg SET seq = :now_at, box = :to WHERE seq = :seq;

-- name: msg_owed
SELECT count(*), coalesce(sum(size), 0) FROM msg INDEXED BY msg_owed WHERE src = :src AND kind = 6;

-- name: msg_read
SELECT seq, box, src, kind, body FROM msg WHERE box = :box AND seq > :after ORDER BY seq;

-- name: msg_get
SELECT seq, box, src, kind, body FROM msg WHERE seq = :seq;

-- name: msg_work
SELECT seq, box FROM msg WHERE seq > :after ORDER BY seq LIMIT :max;

-- name: msg_given
SELECT coalesce((SELECT value FROM meta WHERE name = 'given'), 0),
	coalesce((SELECT max(seq) FROM msg), 0);

-- name: msg_drop
DELETE FROM msg WHERE seq = :seq;

-- name: msg_drop_range
DELETE FROM msg WHERE seq >= :first AND seq <= :last;

-- name: msg_ack
DELETE FROM msg WHERE box = :box AND seq <= :seq;

-- name: msg_between
SELECT count(*), sum(size) FROM msg WHERE box = :box AND seq > :after AND seq <= :seq;

-- name: msg_oldest
SELECT seq, size FROM msg WHERE box = :box AND seq > :after AND seq <= :seq ORDER BY seq;

-- name: msg_empty
DELETE FROM msg WHERE seq IN (SELECT seq FROM msg WHERE box = :box ORDER BY seq LIMIT :room);

-- ---- hubs ----

-- name: hub_enter
INSERT INTO hub (seen) VALUES (:now);

-- name: hub_renew
UPDATE hub SET seen = :now WHERE id = :hub;

-- name: hub_alive
SELECT 1 FROM hub WHERE id = :hub AND seen >= :alive;

-- name: hub_dead
-- scan: one row a process
SELECT id FROM hub WHERE seen < :alive LIMIT 1;

-- name: hub_away
UPDATE box SET hub = 0, until = :now
WHERE id IN (SELECT id FROM box WHERE hub = :hub AND hub != 0 LIMIT :room);

-- name: hub_forget
DELETE FROM hub WHERE id = :hub;

-- ---- sweep ----

-- name: shift_msg
-- Rows of the last sweep or before it were surely written under the old clock.
UPDATE msg SET due = due + :diff WHERE seq <= :mark;

-- name: shift_msg_new
-- Rows since then may be of either; one whose time is sane under the new clock and would not be
-- after the shift was written under it.
UPDATE msg SET due = due + :diff
WHERE seq > :mark AND CASE WHEN :diff > 0 THEN due < :now ELSE due + :diff >= :now END;

-- name: shift_box
-- scan: after a jump of the clock only
-- What was written after the jump lies between the last sweep, seen by the new clock, and soon.
UPDATE box SET until = until + :diff WHERE hub = 0 AND NOT until BETWEEN :seam AND :soon;

-- name: shift_hub
-- scan: after a jump of the clock only
UPDATE hub SET seen = seen + :diff WHERE NOT seen BETWEEN :seam AND :now;

-- name: shift_stretch
-- scan: after a jump of the clock only
UPDATE stretch SET due = due + :diff;

-- name: stretch_new
SELECT seq, due FROM msg WHERE seq > :mark ORDER BY seq LIMIT :room;

-- name: stretch_add
INSERT INTO stretch (due, first, last) VALUES (:due, :first, :last);

-- name: stretch_due
SELECT due, first, last FROM stretch WHERE due <= :limit ORDER BY due, first LIMIT 1;

-- name: stretch_rows
SELECT m.seq, m.due, m.box, m.size, m.seq > coalesce(b.taken, 0)
FROM msg m LEFT JOIN box b ON b.id = m.box
WHERE m.seq >= :first AND m.seq <= :last ORDER BY m.seq;

-- name: stretch_forget
DELETE FROM stretch WHERE due = :due AND first = :first;

-- name: sweep_box
SELECT id FROM box WHERE hub = 0 AND until <= :limit ORDER BY until LIMIT 1;

-- ---- stat ----

-- name: stat_boxes
-- scan: an operator asked for totals
SELECT count(*), sum(coalesce(h.seen >= :alive, b.until > :now))
FROM box b LEFT JOIN hub h ON h.id = b.hub;

-- name: stat_messages
-- scan: an operator asked for totals
SELECT count(*), sum(m.size), sum(b.id IS NOT NULL AND m.seq > b.taken)
FROM msg m LEFT JOIN box b ON b.id = m.box;

-- name: stat_claims
-- scan: an operator asked for totals
SELECT count(*) FROM claim;

-- name: stat_links
-- scan: an operator asked for totals
SELECT count(*) FROM link;

-- name: stat_hubs
-- scan: an operator asked for totals
SELECT count(*) FROM hub WHERE seen >= :alive;

-- ---- pulse ----

-- name: pulse_waiting
-- scan: so many rows of a covering index, and their boxes
SELECT count(*) FROM (SELECT box, seq FROM msg LIMIT :look) m
JOIN box b ON b.id = m.box WHERE m.seq > b.taken;

-- name: pulse_peers
-- scan: a row for each API key
SELECT coalesce(sum(peers), 0) FROM realm_key k
WHERE id = (SELECT min(id) FROM realm_key WHERE realm = k.realm);
