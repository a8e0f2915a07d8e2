-- +goose Up
-- Times are nanoseconds since 1970; the least integer stands for none.
PRAGMA application_id = 0x54726365;

CREATE TABLE meta (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  next         INTEGER NOT NULL,
  alerts       INTEGER NOT NULL,
  removed      INTEGER NOT NULL,
  dead_removed INTEGER NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, 0, 0, 0, 0);

-- into_id: NULL of an incident that is; else it is gone, merged into that one,
-- or split when it is ''.
CREATE TABLE incident (
  num         INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  into_id     TEXT,
  headline    TEXT NOT NULL,
  class       TEXT NOT NULL,
  severity    TEXT NOT NULL,
  rank        INTEGER NOT NULL,
  kinds       INTEGER NOT NULL,
  count       INTEGER NOT NULL,
  repeats     INTEGER NOT NULL,
  first       INTEGER NOT NULL,
  last        INTEGER NOT NULL,
  hosts       TEXT NOT NULL,
  rules       TEXT NOT NULL,
  stages      TEXT NOT NULL,
  changed     INTEGER NOT NULL,
  status      TEXT NOT NULL,
  finding     TEXT NOT NULL,
  by          TEXT NOT NULL,
  why         TEXT NOT NULL,
  at          INTEGER NOT NULL,
  since       INTEGER NOT NULL,
  closed_rank INTEGER NOT NULL
) STRICT;
CREATE INDEX incident_worst ON incident (rank, last) WHERE into_id IS NULL;
CREATE INDEX incident_into ON incident (into_id) WHERE into_id IS NOT NULL;

-- held, low, high and seen are of its alerts that are in this file; seen is
-- when the last of them was received.
CREATE TABLE kind (
  id        INTEGER PRIMARY KEY,
  incident  INTEGER NOT NULL,
  rule      TEXT NOT NULL,
  host      TEXT NOT NULL,
  container TEXT NOT NULL,
  class     TEXT NOT NULL,
  severity  TEXT NOT NULL,
  count     INTEGER NOT NULL,
  repeats   INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  held      INTEGER NOT NULL,
  low       INTEGER NOT NULL,
  high      INTEGER NOT NULL,
  seen      INTEGER NOT NULL
) STRICT;
CREATE INDEX kind_incident ON kind (incident, first_seq);
CREATE INDEX kind_rule ON kind (rule, host);
CREATE INDEX kind_host ON kind (host);
CREATE INDEX kind_container ON kind (container) WHERE container <> '';
CREATE INDEX kind_empty ON kind (seen) WHERE held = 0;

-- What is wide is apart, so that a walk over the kinds reads few pages.
CREATE TABLE body (
  kind       INTEGER PRIMARY KEY,
  key        TEXT NOT NULL,
  source     TEXT NOT NULL,
  priority   TEXT NOT NULL,
  state      BLOB NOT NULL,
  searchable TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE kind_text USING fts5 (
  searchable, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);

CREATE TABLE alert (
  seq      INTEGER PRIMARY KEY,
  time     INTEGER NOT NULL,
  received INTEGER NOT NULL,
  kind     INTEGER NOT NULL,
  repeat   INTEGER NOT NULL,
  block    INTEGER NOT NULL,
  start    INTEGER NOT NULL,
  length   INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_kind ON alert (kind);

-- A block is never changed: Retain writes a new one with what it keeps.
CREATE TABLE block (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  first_seq      INTEGER NOT NULL,
  last_seq       INTEGER NOT NULL,
  first_time     INTEGER NOT NULL,
  last_time      INTEGER NOT NULL,
  first_received INTEGER NOT NULL,
  alerts         INTEGER NOT NULL,
  size           INTEGER NOT NULL,
  data           BLOB NOT NULL
) STRICT;
CREATE INDEX block_time ON block (last_time, first_time, first_seq, last_seq);

CREATE TABLE silence (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  condition TEXT NOT NULL,
  why       TEXT NOT NULL,
  by        TEXT NOT NULL,
  created   INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  ended     INTEGER NOT NULL,
  hidden    INTEGER NOT NULL
) STRICT;

CREATE TABLE dead_letter (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  received INTEGER NOT NULL,
  sender   TEXT NOT NULL,
  reason   TEXT NOT NULL,
  raw      BLOB NOT NULL,
  replayed INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  name    TEXT NOT NULL,
  hash    BLOB NOT NULL UNIQUE,
  scopes  TEXT NOT NULL,
  created INTEGER NOT NULL,
  used    INTEGER NOT NULL,
  revoked INTEGER NOT NULL
) STRICT;

CREATE TABLE user (
  name     TEXT PRIMARY KEY,
  password TEXT NOT NULL,
  scopes   TEXT NOT NULL,
  created  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  who    TEXT NOT NULL,
  what   TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_object ON audit (object);
