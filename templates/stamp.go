package templates

import (
	"strings"
	"time"
)

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

// A calendar is how a language writes days: layouts of package time, and the words
// that take the place of its English names.
type calendar struct {
	today, yesterday string
	full             string // with the second and the zone
	day, dayOfYear   string // without and with the year
	text, textOfYear string
	names            *strings.Replacer
}

// englishDays writes as British English does, which is read everywhere.
var englishDays = calendar{
	today: "Today", yesterday: "Yesterday", full: "Monday 2 January 2006, 15:04:05 MST",
	day: "Monday 2 January", dayOfYear: "Monday 2 January 2006", text: "Mon 2 Jan, 15:04", textOfYear: "2 Jan 2006, 15:04",
	names: strings.NewReplacer(),
}

var spanishDays = calendar{
	today: "Hoy", yesterday: "Ayer", full: "Monday 2 de January de 2006, 15:04:05 MST",
	day: "Monday 2 de January", dayOfYear: "Monday 2 de January de 2006", text: "Mon 2 Jan, 15:04", textOfYear: "2 Jan 2006, 15:04",
	names: strings.NewReplacer( // the whole names first, for they begin with the short ones; May is both
		"Monday", "lunes", "Tuesday", "martes", "Wednesday", "miércoles", "Thursday", "jueves", "Friday", "viernes", "Saturday", "sábado", "Sunday", "domingo",
		"January", "enero", "February", "febrero", "March", "marzo", "April", "abril", "May", "mayo", "June", "junio",
		"July", "julio", "August", "agosto", "September", "septiembre", "October", "octubre", "November", "noviembre", "December", "diciembre",
		"Mon", "lun", "Tue", "mar", "Wed", "mié", "Thu", "jue", "Fri", "vie", "Sat", "sáb", "Sun", "dom",
		"Jan", "ene", "Feb", "feb", "Mar", "mar", "Apr", "abr", "Jun", "jun", "Jul", "jul", "Aug", "ago", "Sep", "sep", "Oct", "oct", "Nov", "nov", "Dec", "dic"),
}

func (c calendar) print(at time.Time, layout string) string {
	return c.names.Replace(at.Format(layout))
}

// NewStamp prints at as seen at now, in now's zone.
func NewStamp(at, now time.Time) Stamp { return englishDays.stamp(at, now) }

// Stamp is NewStamp in the language.
func (w Words) Stamp(at, now time.Time) Stamp {
	if w == "es" {
		return spanishDays.stamp(at, now)
	}
	return englishDays.stamp(at, now)
}

func (c calendar) stamp(at, now time.Time) Stamp {
	at = at.In(now.Location())
	s := Stamp{
		Sort: at.UnixMilli(), ISO: at.Format(time.RFC3339), Full: c.print(at, c.full),
		Clock: at.Format("15:04:05"), Day: at.Format("20060102"),
	}
	sameYear := at.Year() == now.Year()
	switch today := s.Day == now.Format("20060102"); {
	case today:
		s.Text, s.Short, s.DayLabel = at.Format("15:04"), at.Format("15:04"), c.today
		return s
	case sameYear:
		s.Text, s.Short, s.DayLabel = c.print(at, c.text), c.print(at, "2 Jan"), c.print(at, c.day)
	default:
		s.Text, s.Short, s.DayLabel = c.print(at, c.textOfYear), c.print(at, "2 Jan 2006"), c.print(at, c.dayOfYear)
	}
	if s.Day == now.AddDate(0, 0, -1).Format("20060102") {
		s.DayLabel = c.yesterday
	}
	if age := now.Sub(at); age > 0 && age < 6*24*time.Hour {
		s.Short = c.print(at, "Mon")
	}
	return s
}
