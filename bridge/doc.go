// Package bridge holds the nouns and the rules of Porchlight. It does no I/O,
// reads no clock and imports the standard library only, so that every rule can
// be tested as a sentence.
//
// # The life of a message
//
// In. A customer's text reaches webhooks, which verifies the carrier's
// signature and hands an Inbound to intake. In one transaction intake drops
// what it has seen before, finds or makes the Contact and the Conversation,
// applies consent keywords, stores the Message, and beside it its Placement:
// which Record it is about, as thread finds. Only then is the carrier
// answered. After the commit an Event tells the open browsers that something
// moved; they ask for what they may see.
//
// What a customer writes in the portal enters by the same door: the portal knows
// who they are by a session that a magic link opened, Decide says whether they may,
// and beside the Message alerts are queued to the phones on duty.
//
// Out. A member of staff answers. Decide says whether they may; then one
// transaction stores the Message and its Deliveries, each queued, in the Ways that
// each contact is told by. The outbox claims a delivery, counting the Attempt
// before it touches the network; notify gives it the words that are made only
// then, such as the link of a mail; and it goes to a Carrier. The carrier's answer
// is an Outcome: accepted, retry, refused or unknown. What the carrier says later
// is a Receipt. Both move the delivery through DeliveryState, never backwards.
// When a contact has had and seen a message in the portal, or one of the team in
// the inbox, that is a Seen.
//
//	queued ──claim──▶ sending ──accepted──▶ sent ──receipt──▶ delivered ──▶ read
//	  ▲                 │ │ └──refused───▶ failed        └──▶ undelivered
//	  └─────retry───────┘ └──no answer──▶ unknown ──reconciled──▶ sent | failed | queued
//	  queued ──▶ canceled | expired
package bridge
