package staff

import (
	"errors"
	"strconv"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// What the team sees and does about a contact's way into the portal.

// newPortalCard says how a contact stands to the portal.
func (s *Inbox) newPortalCard(tx *data.Tx, reader bridge.Staff, settings *bridge.Settings, who bridge.Contact) (*templates.PortalCard, error) {
	now := s.now()
	card := &templates.PortalCard{State: connectedBadge(who, now), Off: !settings.PortalOn}
	if who.Connected() {
		card.State.Text = "Connected since " + day(who.ConnectedAt, now)
	}
	if who.Told != bridge.ToldByKind {
		card.Told = toldTitle(who.Told)
	}
	if who.Language != "" {
		card.Language = languageTitle(who.Language)
	}
	a, err := tx.PortalAccess(who.ID, now)
	if err != nil {
		return card, err
	}
	switch {
	case !a.Seen.IsZero():
		seen := templates.NewStamp(a.Seen, now)
		card.Seen = &seen
	case a.Links > 0:
		card.Links = "1 link is out, not used yet"
		if a.Links > 1 {
			card.Links = strconv.FormatInt(a.Links, 10) + " links are out"
		}
	}
	card.Access = a.Links > 0 || a.Devices > 0
	if bridge.Decide(reader.Actor(), bridge.DoInvite, &bridge.Facts{}).Allowed() && settings.PortalOn {
		card.SendURL, card.EndURL = contactURL(who.ID)+"/link", contactURL(who.ID)+"/end-portal"
	}
	return card, nil
}

func toldTitle(t bridge.Told) string {
	switch t {
	case bridge.ToldByText:
		return "By text"
	case bridge.ToldByEmail:
		return "By email"
	case bridge.ToldByBoth:
		return "By text and email"
	case bridge.ToldNothing:
		return "Not at all"
	case bridge.ToldByKind:
	}
	return "As the kind says"
}

func languageTitle(l string) string {
	switch l {
	case "":
		return "As the business"
	case "es":
		return "Spanish"
	case "en":
		return "English"
	}
	return l
}

func toldOptions(chosen bridge.Told) (out []templates.Option) {
	for _, t := range []bridge.Told{bridge.ToldByKind, bridge.ToldByText, bridge.ToldByEmail, bridge.ToldByBoth, bridge.ToldNothing} {
		out = append(out, templates.Option{Value: string(t), Text: toldTitle(t), Chosen: t == chosen})
	}
	return out
}

func languageOptions(chosen string) []templates.Option {
	out := []templates.Option{{Text: languageTitle(""), Chosen: chosen == ""}}
	for _, l := range bridge.Languages {
		out = append(out, templates.Option{Value: l, Text: languageTitle(l), Chosen: l == chosen})
	}
	return out
}

// wishes reads what the form says of how a contact is told.
func wishes(c *gin.Context, ch *intake.ContactChange) error {
	if v, ok := c.GetPostForm("notify"); ok {
		told, err := bridge.ParseTold(v)
		if err != nil {
			return err
		}
		ch.Told = &told
	}
	if v, ok := c.GetPostForm("language"); ok {
		ch.Language = &v
	}
	return nil
}

// sendLink sends a link from the profile.
func (s *Inbox) sendLink(c *gin.Context) error {
	return s.onContact(c, func(id bridge.ContactID) (string, error) {
		_, err := s.in.SendLink(c.Request.Context(), me(c), id)
		return "link", onForm(c, "", err)
	})
}

func (s *Inbox) endPortal(c *gin.Context) error {
	return s.onContact(c, func(id bridge.ContactID) (string, error) {
		return "ended", s.in.EndPortal(c.Request.Context(), me(c), id)
	})
}

// onForm shows a refusal beside a field of the form, or above all; but not to who may
// not press its button.
func onForm(c *gin.Context, field string, err error) error {
	var denied *bridge.Denied
	if errors.As(err, &denied) && denied.Code != "role" {
		t := web.Explain(c.Request.Context(), err)
		text := t.Sentence()
		return &bridge.Invalid{Field: field, Problem: text[:len(text)-1]}
	}
	return err
}

// link sends a link from the conversation's panel.
func (s *Inbox) link(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		var who bridge.ContactID
		err := s.look(c.Request.Context(), func(tx *data.Tx) error {
			conv, err := tx.Conversation(me(c), id)
			who = conv.Contact
			return err
		})
		if err != nil {
			return err
		}
		_, err = s.in.SendLink(c.Request.Context(), me(c), who)
		return err
	})
}
