package bridge

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are when the business is open, in the business's own time. Their zero value
// is always open.
type Hours [7][]Opening // by time.Weekday

// An Opening is a part of a day, in minutes after midnight, until exclusive.
type Opening struct{ From, Until int }

var weekdays = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseHours reads what people write: "Mon-Fri 08:00-17:00, Sat 09:00-12:00". Days
// that are not named are closed; nothing at all is always open. Of a span over
// midnight, write both parts.
func ParseHours(s string) (h Hours, err error) {
	wrong := func(part string) error {
		return &Invalid{"hours", fmt.Sprintf("“%s” is not understood. Write hours like: Mon-Fri 08:00-17:00, Sat 09:00-12:00", strings.TrimSpace(part))}
	}
	if strings.TrimSpace(s) == "" {
		return h, nil
	}
	days := []time.Weekday(nil)
	for part := range strings.SplitSeq(strings.NewReplacer("–", "-", " - ", "-").Replace(s), ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			return h, wrong(part)
		}
		times := words[len(words)-1]
		if len(words) > 1 {
			if days, err = parseDays(strings.Join(words[:len(words)-1], "")); err != nil {
				return h, wrong(part)
			}
		}
		from, until, ok := strings.Cut(times, "-")
		f, err1 := parseMinute(from)
		u, err2 := parseMinute(until)
		if !ok || len(days) == 0 || err1 != nil || err2 != nil || f >= u {
			return h, wrong(part)
		}
		for _, d := range days {
			h[d] = append(h[d], Opening{f, u})
		}
	}
	return h, nil
}

func parseDays(s string) (out []time.Weekday, err error) {
	from, until, isRange := strings.Cut(strings.ToLower(s), "-")
	day := func(name string) int {
		if len(name) < 3 {
			return -1
		}
		return slices.Index(weekdays[:], name[:3])
	}
	f, u := day(from), day(from)
	if isRange {
		u = day(until)
	}
	if f < 0 || u < 0 {
		return nil, &Invalid{"hours", "name days like Mon or Mon-Fri"}
	}
	for d := f; ; d = (d + 1) % 7 {
		out = append(out, time.Weekday(d))
		if d == u {
			return out, nil
		}
	}
}

func parseMinute(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", strings.TrimSpace(s))
	return t.Hour()*60 + t.Minute(), err
}

// Open reports whether the business is open at a moment, in its own zone.
func (h *Hours) Open(at time.Time) bool {
	if !slices.ContainsFunc(h[:], func(s []Opening) bool { return len(s) > 0 }) {
		return true
	}
	minute := at.Hour()*60 + at.Minute()
	return slices.ContainsFunc(h[at.Weekday()], func(s Opening) bool { return minute >= s.From && minute < s.Until })
}
