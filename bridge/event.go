package bridge

// A Commit tells what one committed transaction means to the rest of the program.
// It carries ids only: whoever hears it asks for what they may see. It is
// published after the commit, so it never speaks of what may yet be taken back.
type Commit struct {
	Rev     int64
	Changed []ConversationID
	// Joined are the contacts who came into a conversation, or back into one, or out of
	// one.
	Joined []ContactID
	// Writes is how many writers shared the commit.
	Writes int
	// Missed is true for what stands for all commits of other nodes that nobody
	// told of; Changed is then empty.
	Missed bool
	// Queued is true when a delivery became due, so that the outbox looks.
	Queued bool
	// Arriving is true when a carrier has files for us that are to be fetched.
	Arriving bool
	// Waiting is true when the AI receptionist was given time to answer.
	Waiting bool
}
