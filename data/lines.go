package data

import "porchlight/bridge"

const lineColumns = "id, phone, name, pace"

func scanLine(s scanner) (l bridge.Line, err error) {
	return l, s.Scan(&l.ID, &l.Phone, &l.Name, &l.Pace)
}

// PutLine stores a line of the configuration, found again by its number.
func (tx *Tx) PutLine(l bridge.Line) (bridge.LineID, error) {
	return one(tx, scanID[bridge.LineID], `
		INSERT INTO lines (phone, name, pace) VALUES ($1, $2, $3)
		ON CONFLICT (phone) DO UPDATE SET name = excluded.name, pace = excluded.pace
		RETURNING id`, string(l.Phone), l.Name, l.Pace)
}

// Lines lists every line that the business has or had.
func (tx *Tx) Lines() ([]bridge.Line, error) {
	return list(tx, scanLine, "SELECT "+lineColumns+" FROM lines ORDER BY id")
}

// Line finds a line by its id.
func (tx *Tx) Line(id bridge.LineID) (bridge.Line, error) {
	return one(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE id = $1", id)
}

// LineByPhone finds the line with a number.
func (tx *Tx) LineByPhone(p string) (bridge.Line, error) {
	return one(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE phone = $1", p)
}

// ListedAt is how far the carrier's list of the line's messages has been read,
// in Unix milliseconds; 0 if never.
func (tx *Tx) ListedAt(id bridge.LineID) (ms int64, err error) {
	return one(tx, scanID[int64], "SELECT listed_at FROM lines WHERE id = $1", id)
}

// SetListedAt moves that cursor, never back.
func (tx *Tx) SetListedAt(id bridge.LineID, ms int64) error {
	_, err := tx.exec("UPDATE lines SET listed_at = $2 WHERE id = $1 AND listed_at < $2", id, ms)
	return err
}
