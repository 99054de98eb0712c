package portal

import (
	"errors"
	"net/http"
	"net/mail"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/templates"
)

// How a contact corrects where we reach them. A number that anybody with an open
// portal could change would let them take over the links to it, so this writes a
// message to the team, who ask and change it.

// whereTo finds where a contact's note to the team goes: the conversation that they
// have on any matter, or else the newest that they may answer in. A kind without a
// conversation would begin one; neither: there is no way.
func (p *Portal) whereTo(tx *data.Tx, who bridge.Contact) (bridge.ConversationID, bridge.Kind, error) {
	choices, err := p.in.PortalChoices(tx, who)
	if err != nil {
		return 0, "", err
	}
	for _, ch := range choices {
		if ch.Record.ID == 0 {
			return ch.Conversation, ch.Kind, nil
		}
	}
	threads, err := tx.ContactConversations(who.ID, maxBeside)
	if err != nil {
		return 0, "", err
	}
	for _, t := range threads {
		f, err := p.in.ContactFacts(tx, who, t.ID)
		if err != nil {
			return 0, "", err
		}
		if bridge.Decide(who.Actor(), bridge.DoReply, &f).Allowed() {
			return t.ID, "", nil
		}
	}
	return 0, "", nil
}

func (p *Portal) reach(c *gin.Context, who bridge.Contact) error {
	w, typed := p.words(c, who), strings.TrimSpace(c.PostForm("address"))
	refuse := func(problem string) error {
		return p.showSettings(c, http.StatusUnprocessableEntity, who, templates.PortalSettings{Reach: typed, Client: c.PostForm("client"), ReachError: problem})
	}
	body := ""
	if a, err := mail.ParseAddress(typed); err == nil && a.Address == typed && len(typed) <= 254 {
		body = w.T("My email is now %s.", strings.ToLower(typed))
	} else if phone, err := p.in.ParsePhone(typed); err == nil {
		body = w.T("My number is now %s.", phone.Pretty())
	} else {
		return refuse(w.T("This is neither an email address nor a phone number") + ".") // as at the door
	}
	err := p.note(c, who, body)
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	if errors.As(err, &invalid) || errors.As(err, &denied) {
		return refuse(w.T("This is not possible at the moment."))
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/portal/settings?noted=1#reach")
	return nil
}

// note writes to the team in the contact's name.
func (p *Portal) note(c *gin.Context, who bridge.Contact, body string) error {
	if err := p.mayWrite(c, who); err != nil {
		return err
	}
	var conv bridge.ConversationID
	var kind bridge.Kind
	err := p.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
		conv, kind, err = p.whereTo(tx, who)
		return err
	})
	switch {
	case err != nil:
		return err
	case conv != 0:
		_, err = p.in.PortalReply(c.Request.Context(), who.ID, intake.Draft{Conversation: conv, Body: body, ClientID: c.PostForm("client")})
	case kind != "":
		_, err = p.in.PortalStart(c.Request.Context(), who.ID, intake.PortalStart{Kind: kind, Body: body, ClientID: c.PostForm("client")})
	default:
		err = &bridge.Denied{Code: "channel", Sentence: "There is no conversation to write in"}
	}
	return err
}
