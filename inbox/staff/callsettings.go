package staff

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// callSettings is the page that says what happens with calls, and what the AI
// receptionist may do.
func (s *Inbox) callSettings(c *gin.Context) error {
	now, err := s.settingsNow(c)
	if err != nil {
		return err
	}
	p, err := s.newCallsPage(c, now)
	if err != nil {
		return err
	}
	return s.Page(c, http.StatusOK, "settings-calls", p)
}

func (s *Inbox) newCallsPage(c *gin.Context, now *bridge.Settings) (p templates.CallsPage, err error) {
	greeting, voicemail, textBack := (&bridge.CallSettings{}).Says(s.Business)
	k, r := &now.Calls, &now.Receptionist
	p = templates.CallsPage{
		SettingsShell: s.settingsShell(c, "Calls and receptionist", "/settings/calls"), Hours: now.OpeningHours,
		Greeting: k.Greeting, Ring: strconv.Itoa(int(k.RingTime().Seconds())), Screen: !k.NoScreen, Voicemail: !k.NoVoicemail, VoicemailGreeting: k.VoicemailGreeting,
		TextBack: !k.NoTextBack, TextBackText: k.TextBack, OurGreeting: greeting, OurVoicemail: voicemail, OurTextBack: textBack,
		DutyTexts: now.DutyTexts, Phone: bridge.PrettyAddress(r.Phone), Patience: strconv.Itoa(int(r.Wait().Seconds())), Introduce: r.Introduction(), HasBot: s.in.Bot,
	}
	for _, a := range bridge.AnswersTextsChoices {
		p.Texts = append(p.Texts, templates.Tick{Value: string(a), Text: a.Title(), On: a == r.Texts || r.Texts == "" && a == bridge.NeverAnswers})
		text := a.Title()
		if a == bridge.NeverAnswers {
			text = "Never"
		}
		p.Calls = append(p.Calls, templates.Tick{Value: string(a), Text: text, On: a == r.Calls || r.Calls == "" && a == bridge.NeverAnswers})
	}
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		for _, phone := range s.in.OnDuty {
			who, err := tx.StaffByPhone(string(phone))
			if err != nil && !errors.Is(err, bridge.ErrNotFound) {
				return err
			}
			off, err := tx.OffDuty(string(phone))
			if err != nil {
				return err
			}
			left, err := tx.LeftWith(string(phone))
			if err != nil {
				return err
			}
			p.OnDuty = append(p.OnDuty, templates.DutyPhone{Phone: phone.Pretty(), Name: who.Name, Off: off, Left: left})
		}
		lines, err := tx.Lines()
		for _, l := range lines {
			if l.Active {
				p.Lines = append(p.Lines, l.Phone.Pretty())
			}
		}
		return err
	})
	return p, err
}

func (s *Inbox) saveCallSettings(c *gin.Context) error {
	var entered bridge.Settings
	err := s.in.ChangeSettings(c.Request.Context(), me(c), func(next *bridge.Settings) error {
		err := readCallSettings(c, next, s.in.ParsePhone)
		entered = *next
		return err
	})
	if bad, ok := wrong(err); ok {
		p, err := s.newCallsPage(c, &entered)
		if err != nil {
			return err
		}
		p.Bad, p.Ring, p.Patience, p.Phone = bad, c.PostForm("ring"), c.PostForm("patience"), c.PostForm("phone")
		return s.Page(c, http.StatusUnprocessableEntity, "settings-calls", p)
	}
	if err != nil {
		return err
	}
	return leadTo(c, "/settings/calls", "saved")
}

// readCallSettings puts the form into the settings. What says the same as ours is kept
// empty, so that ours may improve.
func readCallSettings(c *gin.Context, next *bridge.Settings, parse func(string) (bridge.Phone, error)) error {
	text := func(field string) string { return strings.TrimSpace(bridge.CleanText(c.PostForm(field))) }
	k, r := &next.Calls, &next.Receptionist
	next.OpeningHours = text("hours")
	if c.PostForm("has_duty") != "" { // the switch is there only where phones are on duty
		next.DutyTexts = on(c, "duty_texts")
	}
	k.Greeting, k.VoicemailGreeting, k.TextBack = text("greeting"), text("voicemail_greeting"), text("text_back_text")
	k.NoScreen, k.NoVoicemail, k.NoTextBack = !on(c, "screen"), !on(c, "voicemail"), !on(c, "text_back")
	if r.Texts = bridge.AnswersTexts(c.PostForm("texts")); c.PostForm("texts") == "" {
		r.Texts = bridge.NeverAnswers
	}
	if r.Calls = bridge.AnswersTexts(c.PostForm("calls")); c.PostForm("calls") == "" {
		r.Calls = bridge.NeverAnswers
	}
	if r.Introduce = text("introduce"); r.Introduce == (&bridge.ReceptionistSettings{}).Introduction() {
		r.Introduce = ""
	}
	for _, n := range []struct {
		to    *int
		field string
	}{{&k.Ring, "ring"}, {&r.Patience, "patience"}} {
		v, err := strconv.Atoi(text(n.field))
		if err != nil || v == 0 {
			return &bridge.Invalid{Field: n.field, Problem: "Give a number of seconds"}
		}
		*n.to = v
	}
	r.Phone = ""
	if phone := text("phone"); phone != "" {
		p, err := parse(phone)
		if err != nil {
			return &bridge.Invalid{Field: "phone", Problem: "This is not a number that can be called. Write it with its country code, such as +1 415 555 0100"}
		}
		r.Phone = string(p)
	}
	return nil
}
