-- +goose Up
-- One file for both engines, written for PostgreSQL; dialect.go lists the words
-- that differ for SQLite. Times are Unix milliseconds, 0 where there is none.

CREATE TABLE revision (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  n  BIGINT NOT NULL
);
INSERT INTO revision (id, n) VALUES (1, 1);

CREATE TABLE lines (
  id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel   TEXT NOT NULL, -- sms, or email for a mailbox
  value     TEXT NOT NULL UNIQUE,
  name      TEXT NOT NULL,
  pace      DOUBLE PRECISION NOT NULL,
  active    BOOLEAN NOT NULL, -- in the configuration
  free_at   BIGINT NOT NULL DEFAULT 0, -- when the pace allows the next text
  listed_at BIGINT NOT NULL DEFAULT 0  -- the carrier's list has been read up to here
);

CREATE TABLE staff (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       TEXT NOT NULL,
  email      TEXT NOT NULL UNIQUE,
  role       TEXT NOT NULL,
  password   TEXT NOT NULL, -- argon2id, PHC string
  active     BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  rev        BIGINT NOT NULL DEFAULT 0 -- when the role last changed
);

CREATE TABLE api_keys (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  staff_id   BIGINT NOT NULL REFERENCES staff (id),
  hash       TEXT NOT NULL UNIQUE, -- SHA-256 of a 256-bit random key
  created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
  token      TEXT PRIMARY KEY, -- SHA-256 of the cookie
  data       BYTEA NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE tickets (
  hash       TEXT PRIMARY KEY, -- SHA-256 of a one-time link's secret
  purpose    TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Keys that this store made for itself, such as the one that signs links to files.
CREATE TABLE secrets (
  name  TEXT PRIMARY KEY,
  value BYTEA NOT NULL
);

-- What the business decided for all conversations: bridge.Settings as JSON.
CREATE TABLE settings (
  id   INTEGER PRIMARY KEY CHECK (id = 1),
  body TEXT NOT NULL,
  rev  BIGINT NOT NULL
);

CREATE TABLE contacts (
  id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         TEXT NOT NULL,
  company      TEXT NOT NULL DEFAULT '',
  side         TEXT NOT NULL DEFAULT 'customer',
  zone         TEXT NOT NULL DEFAULT '',
  busy         BOOLEAN NOT NULL DEFAULT FALSE,
  language     TEXT NOT NULL DEFAULT '', -- empty: the business's
  notify       TEXT NOT NULL DEFAULT '', -- how they want to be told; empty: as the kind says
  invited_at   BIGINT NOT NULL DEFAULT 0,
  connected_at BIGINT NOT NULL DEFAULT 0,
  merged_into  BIGINT REFERENCES contacts (id), -- the contact that it turned out to be
  external_id  TEXT, -- the CRM's own id
  sort_name    TEXT NOT NULL DEFAULT '', -- lower case, for the list and its search
  created_at   BIGINT NOT NULL,
  rev          BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX contacts_external ON contacts (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX contacts_name ON contacts (sort_name, id) WHERE merged_into IS NULL;
CREATE INDEX contacts_side ON contacts (side, sort_name, id) WHERE merged_into IS NULL;

-- Jobs, quotes, projects and maintenance requests.
CREATE TABLE records (
  id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type           TEXT NOT NULL,
  reference      TEXT NOT NULL,
  title          TEXT NOT NULL,
  project_type   TEXT NOT NULL DEFAULT '',
  stage          TEXT NOT NULL DEFAULT '',
  sent_to_portal BIGINT NOT NULL DEFAULT 0,
  submitted_by   BIGINT REFERENCES contacts (id),
  quota          BIGINT NOT NULL DEFAULT 0, -- bytes; 0: no limit
  closed         BOOLEAN NOT NULL DEFAULT FALSE,
  created_at     BIGINT NOT NULL,
  rev            BIGINT NOT NULL
);
CREATE UNIQUE INDEX records_reference ON records (type, reference);
CREATE INDEX records_type ON records (type, closed, id);
CREATE INDEX records_submitted ON records (submitted_by) WHERE submitted_by IS NOT NULL;

CREATE TABLE record_contacts (
  record_id  BIGINT NOT NULL REFERENCES records (id),
  contact_id BIGINT NOT NULL REFERENCES contacts (id),
  added_at   BIGINT NOT NULL,
  PRIMARY KEY (record_id, contact_id)
);
CREATE INDEX record_contacts_contact ON record_contacts (contact_id, record_id);

-- Who is, or was, assigned to a record. A row stays, so that an open page can be
-- told to drop what its reader may not see any more.
CREATE TABLE record_staff (
  record_id BIGINT NOT NULL REFERENCES records (id),
  staff_id  BIGINT NOT NULL REFERENCES staff (id),
  active    BOOLEAN NOT NULL,
  PRIMARY KEY (record_id, staff_id)
);
CREATE INDEX record_staff_staff ON record_staff (staff_id, record_id, active);

CREATE TABLE addresses (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  contact_id BIGINT NOT NULL REFERENCES contacts (id),
  channel    TEXT NOT NULL,
  value      TEXT NOT NULL,
  answerable BOOLEAN NOT NULL,
  problem    TEXT NOT NULL DEFAULT '',
  opted_out  BOOLEAN NOT NULL DEFAULT FALSE,
  created_at BIGINT NOT NULL,
  ended_at   BIGINT NOT NULL DEFAULT 0 -- since when it is somebody else's
);
CREATE INDEX addresses_value ON addresses (value, channel);
CREATE UNIQUE INDEX addresses_contact ON addresses (contact_id, channel, value);

CREATE TABLE consents (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  line_id    BIGINT NOT NULL,
  channel    TEXT NOT NULL,
  value      TEXT NOT NULL,
  state      TEXT NOT NULL, -- out or in
  source     TEXT NOT NULL, -- keyword, carrier, error, staff
  message_id BIGINT NOT NULL DEFAULT 0,
  at         BIGINT NOT NULL
);
CREATE INDEX consents_value ON consents (value, channel, id);

CREATE TABLE conversations (
  id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind          TEXT NOT NULL,
  folder        TEXT NOT NULL,
  about         TEXT NOT NULL UNIQUE, -- what there is one conversation about, such as customer:12
  contact_id    BIGINT REFERENCES contacts (id), -- NULL among staff
  line_id       BIGINT REFERENCES lines (id), -- NULL where no text has come or gone
  record_id     BIGINT REFERENCES records (id),
  subject       TEXT NOT NULL DEFAULT '',
  held          BOOLEAN NOT NULL DEFAULT FALSE,
  state         TEXT NOT NULL,
  snoozed_until BIGINT NOT NULL DEFAULT 0,
  assignee_id   BIGINT REFERENCES staff (id),
  urgent        BOOLEAN NOT NULL DEFAULT FALSE,
  title         TEXT NOT NULL,
  preview       TEXT NOT NULL DEFAULT '',
  preview_by    TEXT NOT NULL DEFAULT '',
  author_id     BIGINT NOT NULL DEFAULT 0, -- who wrote the preview, if staff did
  author_name   TEXT NOT NULL DEFAULT '',
  last_channel  TEXT NOT NULL DEFAULT '',
  address       TEXT NOT NULL DEFAULT '', -- by which the contact last wrote
  last_at       BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  inbound       BIGINT NOT NULL DEFAULT 0,
  last_in_at    BIGINT NOT NULL DEFAULT 0,
  failed        BIGINT NOT NULL DEFAULT 0,
  opted_out     BOOLEAN NOT NULL DEFAULT FALSE,
  rev           BIGINT NOT NULL
);
-- Each view has its index, and each index only the rows of its view: a text that
-- comes in moves its row in three of them, and SQLite cannot take an index for a
-- view where it would have to sort all that is open.
CREATE INDEX conversations_active ON conversations (last_at, id) WHERE state IN ('open', 'waiting');
CREATE INDEX conversations_unassigned ON conversations (last_at, id) WHERE state IN ('open', 'waiting') AND assignee_id IS NULL;
CREATE INDEX conversations_mine ON conversations (assignee_id, last_at, id) WHERE state IN ('open', 'waiting') AND assignee_id IS NOT NULL;
CREATE INDEX conversations_attention ON conversations (last_at, id) WHERE state <> 'closed' AND (failed > 0 OR (urgent AND assignee_id IS NULL));
CREATE INDEX conversations_state ON conversations (state, last_at, id) WHERE state IN ('waiting', 'snoozed', 'closed');
CREATE INDEX conversations_wake ON conversations (snoozed_until) WHERE state = 'snoozed';
CREATE INDEX conversations_rev ON conversations (rev);
CREATE INDEX conversations_contact ON conversations (contact_id);
CREATE INDEX conversations_record ON conversations (record_id) WHERE record_id IS NOT NULL;
CREATE INDEX conversations_assigned ON conversations (assignee_id) WHERE assignee_id IS NOT NULL;
CREATE INDEX conversations_folder ON conversations (folder, last_at, id) WHERE folder <> 'customers';

CREATE TABLE participants (
  conversation_id BIGINT NOT NULL REFERENCES conversations (id),
  contact_id      BIGINT NOT NULL DEFAULT 0,
  staff_id        BIGINT NOT NULL DEFAULT 0,
  added_at        BIGINT NOT NULL,
  left_at         BIGINT NOT NULL DEFAULT 0, -- 0 while they take part
  old_upto        BIGINT NOT NULL DEFAULT 0, -- messages up to this one are not new to them: seen, or older than their portal
  PRIMARY KEY (conversation_id, contact_id, staff_id)
);
CREATE INDEX participants_staff ON participants (staff_id, conversation_id, left_at) WHERE staff_id <> 0;
CREATE INDEX participants_contact ON participants (contact_id, conversation_id) WHERE contact_id <> 0;

CREATE TABLE messages (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  conversation_id BIGINT NOT NULL REFERENCES conversations (id),
  at              BIGINT NOT NULL,
  direction       TEXT NOT NULL,
  channel         TEXT NOT NULL,
  author_kind     TEXT NOT NULL,
  author_id       BIGINT NOT NULL,
  author_name     TEXT NOT NULL,
  body            TEXT NOT NULL,
  client_id       TEXT, -- NULL where the writer gave none
  files           INTEGER NOT NULL DEFAULT 0, -- how many attachments
  rev             BIGINT NOT NULL
);
CREATE INDEX messages_conversation ON messages (conversation_id, id);
CREATE UNIQUE INDEX messages_client ON messages (conversation_id, client_id) WHERE client_id IS NOT NULL;

-- Files of messages. One that is uploaded and not sent yet has no message.
CREATE TABLE attachments (
  id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id   BIGINT REFERENCES messages (id),
  n            INTEGER NOT NULL DEFAULT 0, -- its place in the message
  uploader     TEXT NOT NULL, -- staff:3, contact:12, or the carrier's channel
  name         TEXT NOT NULL,
  type         TEXT NOT NULL DEFAULT '', -- jpg, pdf: what was found in it, not what its name says
  content_type TEXT NOT NULL DEFAULT '',
  size         BIGINT NOT NULL DEFAULT 0,
  width        INTEGER NOT NULL DEFAULT 0,
  height       INTEGER NOT NULL DEFAULT 0,
  blob         TEXT NOT NULL DEFAULT '', -- its key in the blob store; empty until it is there
  thumb        TEXT NOT NULL DEFAULT '', -- the key of its small picture; empty: none
  small        TEXT NOT NULL DEFAULT '', -- the key of what a carrier is given; empty: the file itself
  client_id    TEXT, -- the uploader's own key; NULL where they gave none
  state        TEXT NOT NULL, -- loading, kept, arriving, lost
  source       TEXT NOT NULL DEFAULT '', -- where the carrier has it
  problem      TEXT NOT NULL DEFAULT '',
  attempts     INTEGER NOT NULL DEFAULT 0,
  next_at      BIGINT NOT NULL DEFAULT 0, -- arriving: the next try
  created_at   BIGINT NOT NULL
);
CREATE INDEX attachments_message ON attachments (message_id, n) WHERE message_id IS NOT NULL;
CREATE INDEX attachments_arriving ON attachments (next_at) WHERE state = 'arriving';
CREATE INDEX attachments_loose ON attachments (uploader, created_at) WHERE message_id IS NULL;
CREATE INDEX attachments_old ON attachments (created_at) WHERE message_id IS NULL;
CREATE UNIQUE INDEX attachments_client ON attachments (uploader, client_id) WHERE client_id IS NOT NULL;

-- What the other side has had and seen of a message, one row for each person.
CREATE TABLE views (
  message_id      BIGINT NOT NULL REFERENCES messages (id),
  conversation_id BIGINT NOT NULL REFERENCES conversations (id),
  contact_id      BIGINT NOT NULL DEFAULT 0,
  staff_id        BIGINT NOT NULL DEFAULT 0,
  delivered_at    BIGINT NOT NULL DEFAULT 0, -- shown in an open portal or inbox
  read_at         BIGINT NOT NULL DEFAULT 0, -- was in view there
  PRIMARY KEY (message_id, contact_id, staff_id)
);
CREATE INDEX views_contact ON views (contact_id, conversation_id, message_id) WHERE contact_id <> 0;

-- What a carrier delivered, as it came. The key makes the same id one message.
CREATE TABLE inbound (
  carrier_id TEXT PRIMARY KEY,
  message_id BIGINT NOT NULL REFERENCES messages (id),
  raw        TEXT NOT NULL,
  at         BIGINT NOT NULL
);

CREATE TABLE deliveries (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purpose         TEXT NOT NULL, -- message, alert, link or code
  message_id      BIGINT REFERENCES messages (id), -- NULL where it carries no message
  conversation_id BIGINT REFERENCES conversations (id),
  contact_id      BIGINT REFERENCES contacts (id), -- for whom; NULL for staff
  staff_id        BIGINT REFERENCES staff (id),
  line_id         BIGINT NOT NULL REFERENCES lines (id),
  channel         TEXT NOT NULL,
  recipient       TEXT NOT NULL,
  body            TEXT NOT NULL DEFAULT '', -- what is sent, where it is not the message's own text
  media           BOOLEAN NOT NULL DEFAULT FALSE, -- it takes the message's pictures along
  state           TEXT NOT NULL,
  attempts        INTEGER NOT NULL DEFAULT 0,
  carrier_id      TEXT, -- NULL until the carrier gave one
  code            TEXT NOT NULL DEFAULT '',
  detail          TEXT NOT NULL DEFAULT '',
  segments        INTEGER NOT NULL DEFAULT 1,
  token           TEXT NOT NULL UNIQUE, -- names the delivery in the carrier's callback URL
  conflict        BOOLEAN NOT NULL DEFAULT FALSE,
  handled         BOOLEAN NOT NULL DEFAULT FALSE,
  carried_by      BIGINT REFERENCES deliveries (id), -- the later one that says this one too
  created_at      BIGINT NOT NULL,
  next_at         BIGINT NOT NULL, -- queued: not before; sending: the lease's end; unknown, sent: the next check, 0 when given up
  expires_at      BIGINT NOT NULL,
  sent_at         BIGINT NOT NULL DEFAULT 0,
  delivered_at    BIGINT NOT NULL DEFAULT 0,
  settled_at      BIGINT NOT NULL DEFAULT 0,
  rev             BIGINT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (next_at, id) WHERE state = 'queued';
CREATE INDEX deliveries_leased ON deliveries (next_at) WHERE state IN ('sending', 'unknown');
CREATE INDEX deliveries_silent ON deliveries (next_at) WHERE state = 'sent';
CREATE INDEX deliveries_order ON deliveries (conversation_id, recipient, id) WHERE state IN ('queued', 'sending', 'unknown');
CREATE INDEX deliveries_failed ON deliveries (conversation_id) WHERE NOT handled AND state IN ('failed', 'undelivered', 'expired', 'unknown');
CREATE INDEX deliveries_failures ON deliveries (message_id) WHERE NOT handled AND state IN ('failed', 'undelivered', 'expired', 'unknown');
CREATE INDEX deliveries_created ON deliveries (created_at, state);
CREATE INDEX deliveries_message ON deliveries (message_id);
CREATE INDEX deliveries_conversation ON deliveries (conversation_id, rev);
CREATE INDEX deliveries_carried ON deliveries (carried_by) WHERE carried_by IS NOT NULL;
CREATE UNIQUE INDEX deliveries_carrier ON deliveries (carrier_id) WHERE carrier_id IS NOT NULL;

CREATE TABLE attempts (
  delivery_id BIGINT NOT NULL REFERENCES deliveries (id),
  n           INTEGER NOT NULL,
  started_at  BIGINT NOT NULL,
  ended_at    BIGINT NOT NULL DEFAULT 0,
  outcome     TEXT NOT NULL DEFAULT '', -- empty: no answer yet
  carrier_id  TEXT NOT NULL DEFAULT '',
  code        TEXT NOT NULL DEFAULT '',
  detail      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (delivery_id, n)
);

-- Every word of a carrier on a delivery, as it came, also when it moved nothing.
CREATE TABLE receipts (
  id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery_id BIGINT, -- NULL: parked until the delivery's carrier id is known
  carrier_id  TEXT NOT NULL,
  status      TEXT NOT NULL,
  code        TEXT NOT NULL,
  done_at     TEXT NOT NULL,
  raw         TEXT NOT NULL,
  step        TEXT NOT NULL,
  at          BIGINT NOT NULL
);
CREATE UNIQUE INDEX receipts_once ON receipts (carrier_id, status, code, done_at);
CREATE INDEX receipts_delivery ON receipts (delivery_id, id);

CREATE TABLE reads (
  conversation_id BIGINT NOT NULL REFERENCES conversations (id),
  staff_id        BIGINT NOT NULL REFERENCES staff (id),
  seen            BIGINT NOT NULL, -- how many of the conversation's inbound messages
  upto            BIGINT NOT NULL, -- the newest message seen
  at              BIGINT NOT NULL,
  PRIMARY KEY (conversation_id, staff_id)
);

CREATE TABLE drafts (
  conversation_id BIGINT NOT NULL REFERENCES conversations (id),
  staff_id        BIGINT NOT NULL REFERENCES staff (id),
  kind            TEXT NOT NULL, -- reply or note
  body            TEXT NOT NULL,
  at              BIGINT NOT NULL,
  PRIMARY KEY (conversation_id, staff_id, kind)
);

-- Which record a message is about, and why. The message itself never changes: a
-- correction is another row, and the newest one holds.
CREATE TABLE placements (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id BIGINT NOT NULL REFERENCES messages (id),
  record_id  BIGINT REFERENCES records (id), -- NULL: about none
  because    TEXT NOT NULL,
  staff_id   BIGINT NOT NULL DEFAULT 0, -- who said so; 0: Porchlight itself
  at         BIGINT NOT NULL,
  newest     BOOLEAN NOT NULL,
  rev        BIGINT NOT NULL
);
CREATE UNIQUE INDEX placements_message ON placements (message_id) WHERE newest;
CREATE INDEX placements_record ON placements (record_id, message_id) WHERE newest;
CREATE INDEX placements_rev ON placements (rev);

-- Messages that are found by other words than when they were written. The search
-- index heeds them in order and takes them away.
CREATE TABLE search_queue (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id BIGINT NOT NULL REFERENCES messages (id)
);

-- Which record a contact's texts are about, as somebody of the team last said.
CREATE TABLE corrections (
  contact_id BIGINT PRIMARY KEY REFERENCES contacts (id),
  record_id  BIGINT NOT NULL REFERENCES records (id),
  at         BIGINT NOT NULL
);

CREATE TABLE mentions (
  message_id      BIGINT NOT NULL REFERENCES messages (id),
  staff_id        BIGINT NOT NULL REFERENCES staff (id),
  conversation_id BIGINT NOT NULL REFERENCES conversations (id),
  seen            BOOLEAN NOT NULL,
  PRIMARY KEY (message_id, staff_id)
);
CREATE INDEX mentions_staff ON mentions (staff_id, conversation_id, seen);

-- Magic links into the portal. The secret is in the mail or text only.
CREATE TABLE portal_links (
  hash            TEXT PRIMARY KEY, -- SHA-256 of the secret
  contact_id      BIGINT NOT NULL REFERENCES contacts (id),
  conversation_id BIGINT REFERENCES conversations (id), -- where it leads; NULL: home
  channel         TEXT NOT NULL, -- by which it was sent, and
  address         TEXT NOT NULL, -- to where
  created_at      BIGINT NOT NULL,
  expires_at      BIGINT NOT NULL,
  revoked_at      BIGINT NOT NULL DEFAULT 0,
  device          TEXT NOT NULL DEFAULT '' -- SHA-256 of the first device's mark; empty: not used yet
);
CREATE INDEX portal_links_contact ON portal_links (contact_id, created_at);

CREATE TABLE portal_sessions (
  hash       TEXT PRIMARY KEY, -- SHA-256 of the cookie
  contact_id BIGINT NOT NULL REFERENCES contacts (id),
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  device     TEXT NOT NULL DEFAULT '' -- in words, such as Safari on iPhone
);
CREATE INDEX portal_sessions_contact ON portal_sessions (contact_id);
CREATE INDEX portal_sessions_expiry ON portal_sessions (expires_at);

-- Six-digit codes for an old link or another device.
CREATE TABLE portal_codes (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  contact_id BIGINT NOT NULL REFERENCES contacts (id),
  hash       TEXT NOT NULL, -- HMAC-SHA256 under a key of this store
  tries      INTEGER NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX portal_codes_contact ON portal_codes (contact_id, created_at);
