package bridge

// A Commit tells what one committed transaction means to the rest of the program.
// It carries ids only: whoever hears it asks for what they may see. It is
// published after the commit, so it never speaks of what may yet be taken back.
type Commit struct {
	Rev     int64
	Changed []ConversationID
	// Writes is how many writers shared the commit.
	Writes int
	// Queued is true when a delivery became due, so that the outbox looks.
	Queued bool
}
