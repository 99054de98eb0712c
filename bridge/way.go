package bridge

import "slices"

// How a message of the team reaches a contact: by text, by a mail with a link into
// the portal, or in the portal alone.

// A Way is one of them, with the address that it goes to.
type Way struct {
	// Channel is SMS, Email, Portal (nobody is told; it stands there), or Inbox among
	// colleagues.
	Channel Channel
	To      Address // its zero value for Portal and Inbox
}

// A Told is how a contact wants to hear of messages.
type Told string

const (
	ToldByKind  Told = "" // as the kind of the conversation says
	ToldByText  Told = "text"
	ToldByEmail Told = "email"
	ToldByBoth  Told = "both"
	ToldNothing Told = "none" // they look into the portal by themselves
)

// ParseTold accepts the values above.
func ParseTold(s string) (Told, error) {
	switch t := Told(s); t {
	case ToldByKind, ToldByText, ToldByEmail, ToldByBoth, ToldNothing:
		return t, nil
	}
	return "", &Invalid{"notify", "choose one of text, email, both, none, or leave it to the kind"}
}

// Usable reports whether something sent to the address can be expected to arrive.
func (a Address) Usable() bool {
	return a.Value != "" && a.Answerable && !a.OptedOut && a.Problem == ""
}

// Texted reports whether a text to the contact can be expected to arrive.
func (c Contact) Texted() bool {
	return slices.ContainsFunc(c.Addresses, func(a Address) bool { return a.Channel == SMS && a.Usable() })
}

// Mail is the address that a mail to the contact goes to: their first that works.
// The zero Address means that they have none.
func (c Contact) Mail() Address {
	for _, a := range c.Addresses {
		if a.Channel == Email && a.Usable() {
			return a
		}
	}
	return Address{}
}

// Ways are all that a kind allows to reach a contact, the best first. last is the
// address from which they last wrote, mail says that the business can send mail. A
// text stands among them also where it cannot go, so that Decide can say why; but
// then last.
func Ways(s *Settings, p *Policy, c Contact, last string, mail bool) (out []Way) {
	if p.Kind == KindTeam {
		return []Way{{Channel: Inbox}}
	}
	text := Way{SMS, c.AnswerTo(last)}
	if p.Tells(SMS) && text.To.Usable() {
		out = append(out, text)
	}
	if to := c.Mail(); p.Tells(Email) && s.PortalOn && mail && to.Value != "" {
		out = append(out, Way{Email, to})
	}
	if p.Tells(SMS) && !text.To.Usable() {
		out = append(out, text)
	}
	if p.Tells(Portal) && s.PortalOn {
		out = append(out, Way{Channel: Portal})
	}
	if len(out) == 0 && len(p.Tell) > 0 {
		out = append(out, Way{Channel: p.Tell[0]}) // it is kept, and nobody is told
	}
	return out
}

// Tell picks among Ways how a contact is told of a message that nobody chose a way
// for: as they prefer, as far as the kind allows and it can arrive. It gives one
// way, or a text and a mail for who wants both.
func Tell(s *Settings, ways []Way, wish Told) []Way {
	by := func(ch Channel) []Way {
		i := slices.IndexFunc(ways, func(w Way) bool { return w.Channel == ch && (ch == Portal || w.To.Usable()) })
		if i < 0 {
			return nil
		}
		return ways[i : i+1 : i+1]
	}
	var out []Way
	switch wish {
	case ToldByText:
		out = by(SMS)
	case ToldByEmail:
		out = by(Email)
	case ToldByBoth:
		out = append(by(SMS), by(Email)...)
	case ToldNothing:
		if s.PortalOn {
			out = by(Portal)
		}
	case ToldByKind:
	}
	if len(out) == 0 && len(ways) > 0 {
		return ways[:1:1]
	}
	return out
}
