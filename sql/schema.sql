-- The tables. Each section leads from the version before it to its own; a fresh database runs
-- them all, an older one the rest, in one transaction. A released section never changes: a
-- new version is a new section. The program sets user_version itself.
--
-- Times are CLOCK_REALTIME milliseconds. Ids come from AUTOINCREMENT wherever an id that is used
-- again would do harm (a plain rowid starts over once its table is empty). Foreign keys are off:
-- what goes with what is written out in store.sql, bounded.

-- version: 1

-- epoch, secret, inode; and what the last sweep left for the next one: swept (its now), boot,
-- offset (now - mono), mark (the last seq it knew of).
CREATE TABLE meta (
	name	TEXT PRIMARY KEY,
	value	NOT NULL
) WITHOUT ROWID;

CREATE TABLE hub (
	id	INTEGER PRIMARY KEY AUTOINCREMENT,
	seen	INTEGER NOT NULL
);

-- hub 0: nobody holds a stream; then `until` says how long it counts as present, and from when
-- on it is away. Otherwise until is 0. kept and kept_bytes count the rows up to taken that are
-- still there, so that nobody has to look at them when one more is taken.
CREATE TABLE box (
	id	INTEGER PRIMARY KEY AUTOINCREMENT,
	realm	TEXT NOT NULL,
	token	BLOB NOT NULL,
	handle	BLOB,
	state	INTEGER NOT NULL DEFAULT 0,
	hub	INTEGER NOT NULL DEFAULT 0,
	gen	INTEGER NOT NULL DEFAULT 0,
	until	INTEGER NOT NULL,
	taken	INTEGER NOT NULL DEFAULT 0,
	dropped	INTEGER NOT NULL DEFAULT 0,
	kept	INTEGER NOT NULL DEFAULT 0,
	kept_bytes INTEGER NOT NULL DEFAULT 0,
	n	INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX box_token ON box (realm, token);
CREATE UNIQUE INDEX box_handle ON box (realm, handle) WHERE handle IS NOT NULL;
CREATE INDEX box_hub ON box (hub) WHERE hub != 0;
CREATE INDEX box_until ON box (until) WHERE hub = 0;

-- Only live boxes hold claims. The order of the ids is the order in which they were made.
CREATE TABLE claim (
	id	INTEGER PRIMARY KEY,
	realm	TEXT NOT NULL,
	name	BLOB NOT NULL,
	box	INTEGER NOT NULL,
	UNIQUE (realm, name, box)
);
CREATE INDEX claim_name ON claim (realm, name);
CREATE INDEX claim_box ON claim (box, realm);

-- The number the owner knows is (id - 1) % 2147483647 + 1. owner 0: it has ended.
CREATE TABLE link (
	id	INTEGER PRIMARY KEY AUTOINCREMENT,
	owner	INTEGER NOT NULL,
	other	INTEGER NOT NULL,
	waiting	INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX link_owner ON link (owner, other);
CREATE INDEX link_other ON link (other);
CREATE INDEX link_waiting ON link (owner) WHERE waiting = 1;

-- box < 0: the control mailbox of hub -box; it has no row in box, no quota and no cursor.
-- body is last, so that what is read without it never touches an overflow page.
CREATE TABLE msg (
	seq	INTEGER PRIMARY KEY AUTOINCREMENT,
	box	INTEGER NOT NULL,
	src	INTEGER NOT NULL,
	kind	INTEGER NOT NULL,
	due	INTEGER NOT NULL,
	size	INTEGER NOT NULL,
	body	BLOB NOT NULL
);
CREATE INDEX msg_box ON msg (box, seq, size);
CREATE INDEX msg_due ON msg (due);

-- version: 2

-- An API key of PeerJS. peers counts the claims in its realm, peer/NAME, so that nobody has to count
-- them when one more comes.
CREATE TABLE realm_key (
	name	TEXT PRIMARY KEY,
	discovery INTEGER NOT NULL DEFAULT 0,
	peers	INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO realm_key (name) VALUES ('peerjs');

CREATE TRIGGER claim_counted AFTER INSERT ON claim WHEN new.realm GLOB 'peer/*' BEGIN
	UPDATE realm_key SET peers = peers + 1 WHERE name = substr(new.realm, 6);
END;
CREATE TRIGGER claim_uncounted AFTER DELETE ON claim WHEN old.realm GLOB 'peer/*' BEGIN
	UPDATE realm_key SET peers = peers - 1 WHERE name = substr(old.realm, 6);
END;

-- Kind 6 (MSG_KIND_OWED) waits for a peer that has not come; it counts to its sender's quota.
CREATE INDEX msg_owed ON msg (src, size) WHERE kind = 6;

-- version: 3

-- Messages without AUTOINCREMENT, which changes a page of its own with each of them: the last seq given
-- out is the greatest in the table, or `given` in meta, which is raised before that row is deleted.
-- And without an index of what is due: see stretch.
INSERT INTO meta (name, value) SELECT 'given', seq FROM sqlite_sequence WHERE name = 'msg';
CREATE TABLE msg_3 (
	seq	INTEGER PRIMARY KEY,
	box	INTEGER NOT NULL,
	src	INTEGER NOT NULL,
	kind	INTEGER NOT NULL,
	due	INTEGER NOT NULL,
	size	INTEGER NOT NULL,
	body	BLOB NOT NULL
);
INSERT INTO msg_3 SELECT seq, box, src, kind, due, size, body FROM msg;
DROP TABLE msg;
ALTER TABLE msg_3 RENAME TO msg;
CREATE INDEX msg_box ON msg (box, seq, size);
CREATE INDEX msg_owed ON msg (src, size) WHERE kind = 6;

-- Messages that came one after the other (seq first to last), and when one of them is to be judged
-- first. Sweeps make a stretch of what has come since the last one, up to `mark` in meta.
CREATE TABLE stretch (
	due	INTEGER NOT NULL,
	first	INTEGER NOT NULL,
	last	INTEGER NOT NULL,
	PRIMARY KEY (due, first)
) WITHOUT ROWID;
DELETE FROM meta WHERE name IN ('mark', 'judged', 'judged_seq');

-- version: 4

-- How many multiaddrs are joined, so that nobody has to count them when one more is.
INSERT INTO meta (name, value) VALUES ('claims/star', 0);
CREATE TRIGGER star_counted AFTER INSERT ON claim WHEN new.realm = 'star' BEGIN
	UPDATE meta SET value = value + 1 WHERE name = 'claims/star';
END;
CREATE TRIGGER star_uncounted AFTER DELETE ON claim WHEN old.realm = 'star' BEGIN
	UPDATE meta SET value = value - 1 WHERE name = 'claims/star';
END;

-- version: 5

-- A key by its number, which is never used twice. Peers meet in the realm peer/REALM: that of a key which was rotated
-- keeps its name, so two keys may lead to one. `sigver` and `star` stand for those protocols and have
-- no realm. enabled 0: turned off. expires, created: CLOCK_REALTIME milliseconds; 0: never, unknown. max_peers 0: the
-- setting. rate messages every rate_ms, at most burst at once; 0: as many as come. origins: a list with
-- commas; '': the setting.
CREATE TABLE realm_key_5 (
	id	INTEGER PRIMARY KEY AUTOINCREMENT,
	name	TEXT NOT NULL UNIQUE,
	realm	TEXT NOT NULL,
	enabled	INTEGER NOT NULL DEFAULT 1,
	discovery INTEGER NOT NULL DEFAULT 0,
	expires	INTEGER NOT NULL DEFAULT 0,
	max_peers INTEGER NOT NULL DEFAULT 0,
	rate	INTEGER NOT NULL DEFAULT 0,
	rate_ms	INTEGER NOT NULL DEFAULT 1000,
	burst	INTEGER NOT NULL DEFAULT 0,
	origins	TEXT NOT NULL DEFAULT '',
	created	INTEGER NOT NULL DEFAULT 0,
	peers	INTEGER NOT NULL DEFAULT 0
);
INSERT INTO realm_key_5 (name, realm, discovery, peers)
SELECT name, name, discovery, peers FROM realm_key WHERE name NOT IN ('sigver', 'star');
INSERT INTO realm_key_5 (name, realm, discovery) VALUES ('sigver', '', 0), ('star', '', 1);
DROP TRIGGER claim_counted;
DROP TRIGGER claim_uncounted;
DROP TABLE realm_key;
ALTER TABLE realm_key_5 RENAME TO realm_key;
CREATE INDEX realm_key_realm ON realm_key (realm);

CREATE TRIGGER claim_counted AFTER INSERT ON claim WHEN new.realm GLOB 'peer/*' BEGIN
	UPDATE realm_key SET peers = peers + 1 WHERE realm = substr(new.realm, 6);
END;
CREATE TRIGGER claim_uncounted AFTER DELETE ON claim WHEN old.realm GLOB 'peer/*' BEGIN
	UPDATE realm_key SET peers = peers - 1 WHERE realm = substr(old.realm, 6);
END;

-- `keys` rises with each change of what a key allows, so that who has read them all sees at one number
-- whether to read them again.
INSERT INTO meta (name, value) VALUES ('keys', 1);
CREATE TRIGGER key_made AFTER INSERT ON realm_key BEGIN
	UPDATE meta SET value = value + 1 WHERE name = 'keys';
END;
CREATE TRIGGER key_removed AFTER DELETE ON realm_key BEGIN
	UPDATE meta SET value = value + 1 WHERE name = 'keys';
END;
CREATE TRIGGER key_changed AFTER UPDATE OF name, realm, enabled, discovery, expires, max_peers, rate, rate_ms, burst,
	origins ON realm_key BEGIN
	UPDATE meta SET value = value + 1 WHERE name = 'keys';
END;

-- Realms whose last key was removed: sweeps delete what is in peer/REALM and void/REALM, then the row.
CREATE TABLE realm_gone (
	realm	TEXT PRIMARY KEY
) WITHOUT ROWID;
