-- +goose Up
-- The AI receptionist and calls.

-- A message behind another one shows with it: what was said in a call, behind the
-- call. card says what a message stands for besides itself: handoff or call.
ALTER TABLE messages ADD COLUMN behind BIGINT REFERENCES messages (id);
ALTER TABLE messages ADD COLUMN card TEXT NOT NULL DEFAULT '';
CREATE INDEX messages_behind ON messages (behind, at, id) WHERE behind IS NOT NULL;

-- hold_id is under which the AI receptionist may answer; NULL: people have it.
ALTER TABLE conversations ADD COLUMN hold_id BIGINT;
ALTER TABLE conversations ADD COLUMN ai_handoff BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX conversations_handoff ON conversations (last_at, id) WHERE ai_handoff;

ALTER TABLE deliveries ADD COLUMN hold_id BIGINT; -- NULL: people wrote it

CREATE TABLE holds (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  conversation_id BIGINT NOT NULL REFERENCES conversations (id),
  started_at      BIGINT NOT NULL,
  started_by      BIGINT NOT NULL DEFAULT 0, -- the member of staff who gave it; 0: by itself
  answer_by       BIGINT NOT NULL DEFAULT 0, -- 0: nothing waits for an answer
  spoke           BOOLEAN NOT NULL DEFAULT FALSE, -- it has written under this hold
  ended_at        BIGINT NOT NULL DEFAULT 0,
  ended           TEXT NOT NULL DEFAULT '', -- why
  ended_by        BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX holds_conversation ON holds (conversation_id, id);
CREATE INDEX holds_waiting ON holds (answer_by) WHERE ended_at = 0 AND answer_by > 0;

CREATE TABLE handoffs (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider        TEXT NOT NULL,
  call            TEXT NOT NULL, -- the provider's own id
  conversation_id BIGINT REFERENCES conversations (id), -- NULL only within the transaction that makes it
  message_id      BIGINT REFERENCES messages (id),
  body            TEXT NOT NULL DEFAULT '{}', -- bridge.Handoff as JSON: what all pieces say together
  created_at      BIGINT NOT NULL,
  rev             BIGINT NOT NULL
);
CREATE UNIQUE INDEX handoffs_call ON handoffs (provider, call);
CREATE INDEX handoffs_conversation ON handoffs (conversation_id, created_at);
CREATE UNIQUE INDEX handoffs_message ON handoffs (message_id) WHERE message_id IS NOT NULL;

-- What receptionists said of calls, as it came. The same piece again changes nothing.
CREATE TABLE handoff_pieces (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  handoff_id BIGINT NOT NULL REFERENCES handoffs (id),
  hash       TEXT NOT NULL, -- SHA-256 of what it says
  body       TEXT NOT NULL, -- bridge.Handoff as JSON, without turns
  raw        TEXT NOT NULL,
  at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX handoff_pieces_once ON handoff_pieces (handoff_id, hash);

-- Signed requests that were taken, so that nobody can send one again.
CREATE TABLE webhook_seen (
  id TEXT PRIMARY KEY, -- SHA-256 of id, timestamp and signature
  at BIGINT NOT NULL
);
CREATE INDEX webhook_seen_at ON webhook_seen (at);

CREATE TABLE calls (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  carrier_id      TEXT NOT NULL UNIQUE,
  line_id         BIGINT NOT NULL REFERENCES lines (id),
  caller          TEXT NOT NULL, -- empty: withheld
  contact_id      BIGINT REFERENCES contacts (id),
  conversation_id BIGINT REFERENCES conversations (id),
  message_id      BIGINT REFERENCES messages (id),
  to_ai           BOOLEAN NOT NULL DEFAULT FALSE,
  state           TEXT NOT NULL,
  started_at      BIGINT NOT NULL,
  duration        BIGINT NOT NULL DEFAULT 0, -- seconds of talk
  recording       TEXT NOT NULL DEFAULT '', -- the carrier's id
  transcript      BOOLEAN NOT NULL DEFAULT FALSE,
  texted_at       BIGINT NOT NULL DEFAULT 0,
  raw             TEXT NOT NULL DEFAULT '',
  rev             BIGINT NOT NULL
);
CREATE UNIQUE INDEX calls_message ON calls (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX calls_caller ON calls (caller, started_at);
CREATE INDEX calls_texted ON calls (caller, texted_at) WHERE texted_at > 0;
CREATE INDEX calls_texted_at ON calls (texted_at) WHERE texted_at > 0;
