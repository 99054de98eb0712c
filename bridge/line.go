package bridge

// LineID names a Line in the store.
type LineID int64

// A Line is a phone number or mailbox that the business owns.
type Line struct {
	ID      LineID
	Channel Channel // SMS, Email or Webhook
	Phone   Phone   // of a number
	Mailbox string  // of a mailbox, in lower case; of a webhook what stands for it
	Name    string
	// Pace is how many message segments may leave in a second; 0 is no limit.
	Pace float64
	// Active says that the line is in the configuration: the business has it.
	Active bool
}

// Value is the number or the mailbox.
func (l Line) Value() string {
	if l.Channel == Email || l.Channel == Webhook {
		return l.Mailbox
	}
	return string(l.Phone)
}
