package bridge

// LineID names a Line in the store.
type LineID int64

// A Line is a phone number that the business owns.
type Line struct {
	ID    LineID
	Phone Phone
	Name  string
	// Pace is how many message segments may leave in a second; 0 is no limit.
	Pace float64
	// Active says that the line is in the configuration: the business has it.
	Active bool
}
