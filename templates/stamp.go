package templates

import "time"

// A Stamp is a moment in every form that pages print it, in the viewer's zone.
type Stamp struct {
	Sort     int64  // Unix milliseconds
	ISO      string // for <time datetime>
	Full     string // the whole, for titles
	Text     string // in a conversation: 14:05 · Fri 20 Nov, 14:05 · 20 Nov 2025, 14:05
	Short    string // in a list: 14:05 · Fri · 20 Nov · 20 Nov 2025
	Clock    string // 14:05:09, for histories
	Day      string // 20061102, equal on the same day
	DayLabel string // Today · Yesterday · Friday 20 November · Friday 20 November 2025
}

// NewStamp prints at as seen at now, in now's zone.
func NewStamp(at, now time.Time) Stamp {
	at = at.In(now.Location())
	s := Stamp{
		Sort: at.UnixMilli(), ISO: at.Format(time.RFC3339), Full: at.Format("Monday 2 January 2006, 15:04:05 MST"),
		Clock: at.Format("15:04:05"), Day: at.Format("20060102"),
	}
	sameYear := at.Year() == now.Year()
	switch today := s.Day == now.Format("20060102"); {
	case today:
		s.Text, s.Short, s.DayLabel = at.Format("15:04"), at.Format("15:04"), "Today"
		return s
	case sameYear:
		s.Text, s.Short, s.DayLabel = at.Format("Mon 2 Jan, 15:04"), at.Format("2 Jan"), at.Format("Monday 2 January")
	default:
		s.Text, s.Short, s.DayLabel = at.Format("2 Jan 2006, 15:04"), at.Format("2 Jan 2006"), at.Format("Monday 2 January 2006")
	}
	if s.Day == now.AddDate(0, 0, -1).Format("20060102") {
		s.DayLabel = "Yesterday"
	}
	if age := now.Sub(at); age > 0 && age < 6*24*time.Hour {
		s.Short = at.Format("Mon")
	}
	return s
}
