package staff

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// people offers whom to add to a conversation. Who cannot be added says why.
func (s *Inbox) people(c *gin.Context) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	base := "/inbox/c/" + strconv.FormatInt(int64(id), 10)
	p := templates.AddPage{Shell: s.Shell(c, "Add people", "inbox"), Action: base + "/people", Search: base + "/people", Query: clip(c.Query("q"))}
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		conv, err := tx.Conversation(me(c), id)
		if err != nil {
			return err
		}
		if err := seesPeople(c); err != nil { // the sheet names contacts beyond this conversation
			return err
		}
		p.With, p.Back = conv.TitleFor(me(c)), conversationURL(viewOf(c), id)
		f, err := s.in.Facts(tx, me(c), conv)
		if err != nil {
			return err
		}
		return s.offerParticipants(tx, me(c), f, &p)
	})
	if err != nil {
		return err
	}
	if web.WantsFragment(c) {
		return s.Fragment(c, http.StatusOK, "adding", p)
	}
	return s.Page(c, http.StatusOK, "add", p)
}

func (s *Inbox) offerParticipants(tx *data.Tx, reader bridge.Staff, f bridge.Facts, p *templates.AddPage) error {
	in, err := tx.Participants(f.Conversation.ID)
	if err != nil {
		return err
	}
	team, err := tx.Staff()
	if err != nil {
		return err
	}
	pick := func(value, name, hint string) templates.Pick {
		v := templates.Pick{ID: value, Text: name, Hint: hint, Initials: bridge.Initials(name)}
		if d := bridge.Decide(reader.Actor(), bridge.DoAddParticipant, &f); !d.Allowed() {
			v.Blocked, v.Fix = d.Sentence, d.Fix
		}
		return v
	}
	for _, who := range team {
		if !who.Active || !matches(who.Name, p.Query) || slices.ContainsFunc(in, func(x bridge.Participant) bool { return x.Staff == who.ID }) {
			continue
		}
		f.Who = who.Actor()
		_, err := tx.Conversation(who, f.Conversation.ID)
		f.WhoSees = err == nil
		p.Team = append(p.Team, pick("staff:"+strconv.FormatInt(int64(who.ID), 10), who.Name, who.Role.Title()))
	}
	cs, err := tx.Contacts(data.ContactFilter{Words: p.Query}, 4*picksShown)
	for _, who := range cs {
		if len(p.Contacts) == picksShown || slices.ContainsFunc(in, func(x bridge.Participant) bool { return x.Contact == who.ID }) {
			continue
		}
		f.Who, f.WhoSees = who.Actor(), false
		p.Contacts = append(p.Contacts, pick("contact:"+strconv.FormatInt(int64(who.ID), 10), who.Title(), who.Side.Title()))
	}
	return err
}

// participant reads whom a form names: staff:3 or contact:12.
func participant(conv bridge.ConversationID, value string) (bridge.Participant, error) {
	kind, id, _ := strings.Cut(value, ":")
	p := bridge.Participant{Conversation: conv}
	switch kind {
	case "staff":
		p.Staff = number[bridge.StaffID](id)
	case "contact":
		p.Contact = number[bridge.ContactID](id)
	}
	if p.Staff == 0 && p.Contact == 0 {
		return p, &bridge.Invalid{Field: "person", Problem: "Choose a colleague or a contact"}
	}
	return p, nil
}

func (s *Inbox) addPerson(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		p, err := participant(id, c.PostForm("person"))
		if err != nil {
			return err
		}
		return s.in.AddParticipant(c.Request.Context(), me(c), p)
	})
}

func (s *Inbox) removePerson(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		p, err := participant(id, c.PostForm("person"))
		if err != nil {
			return err
		}
		return s.in.RemoveParticipant(c.Request.Context(), me(c), p)
	})
}
