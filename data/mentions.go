package data

import "porchlight/bridge"

// AddMention notes that a message mentions somebody of the team.
func (tx *Tx) AddMention(m bridge.Message, who bridge.StaffID) error {
	_, err := tx.exec(`
		INSERT INTO mentions (message_id, staff_id, conversation_id, seen) VALUES ($1, $2, $3, FALSE)
		ON CONFLICT DO NOTHING`, m.ID, who, m.Conversation)
	return err
}

// seeMentions notes that a reader has seen those up to a message.
func (tx *Tx) seeMentions(id bridge.ConversationID, reader bridge.StaffID, upto bridge.MessageID) (int64, error) {
	return tx.exec("UPDATE mentions SET seen = TRUE WHERE staff_id = $1 AND conversation_id = $2 AND message_id <= $3 AND NOT seen", reader, id, upto)
}
