-- +goose Up
-- What the team texts from its own phones.

ALTER TABLE staff ADD COLUMN phone TEXT NOT NULL DEFAULT ''; -- their own, in E.164
CREATE UNIQUE INDEX staff_phone ON staff (phone) WHERE phone <> '';

-- What a phone on duty was told of, and so may answer.
CREATE INDEX deliveries_alerts ON deliveries (recipient, created_at) WHERE purpose = 'alert';

-- A text from a phone on duty, and what became of it.
CREATE TABLE relayed (
  id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  carrier_id      TEXT NOT NULL UNIQUE,
  phone           TEXT NOT NULL,
  line_id         BIGINT NOT NULL REFERENCES lines (id),
  staff_id        BIGINT REFERENCES staff (id), -- whose phone it is; NULL: nobody's
  body            TEXT NOT NULL,
  state           TEXT NOT NULL,
  conversation_id BIGINT REFERENCES conversations (id), -- that it was meant for; NULL: not known
  message_id      BIGINT REFERENCES messages (id), -- that it became
  choices         TEXT NOT NULL DEFAULT '', -- conversation ids that its writer was asked to choose from
  raw             TEXT NOT NULL,
  at              BIGINT NOT NULL
);
CREATE INDEX relayed_phone ON relayed (phone, at, id);
CREATE INDEX relayed_duty ON relayed (phone, at, id) WHERE state IN ('stop', 'start');
CREATE INDEX relayed_message ON relayed (message_id) WHERE message_id IS NOT NULL;
