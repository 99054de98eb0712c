package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// mount puts the demo's own pages beside the inbox: the handsets, the mailbox
// and the gallery.
func (d *demo) mount(r *gin.Engine, w *web.Web) {
	s := &simulator{d, w}
	g := r.Group("/", w.Require)
	g.GET("/simulator", w.Do(s.page))
	g.GET("/simulator/changes", w.Do(s.changes))
	g.GET("/simulator/events", w.Do(s.events))
	g.GET("/simulator/media/:sid/:n", w.Do(s.picture))
	g.POST("/simulator/send", w.Do(s.send))
	g.POST("/simulator/behave", w.Do(s.behave))
	g.POST("/simulator/play", w.Do(s.play))
	m := &mailbox{d, w}
	g.GET("/simulator/mail", w.Do(m.page))
	g.GET("/simulator/mail/changes", w.Do(m.changes))
	g.GET("/simulator/mail/events", w.Do(m.events))
	g.GET("/simulator/mail/html/:id", w.Do(m.html))
	g.POST("/simulator/mail/send", w.Do(m.send))
	g.GET("/gallery", w.Do(func(c *gin.Context) error {
		return w.Page(c, http.StatusOK, "gallery", templates.GalleryPage(w.Today()))
	}))
}

// A simulator is the page with the handsets. What it sends goes through the
// carrier's double and the real webhooks, with a real signature.
type simulator struct {
	*demo
	*web.Web
}

// shownWire is how much of the wire log the page keeps in view.
const shownWire = 60

func (s *simulator) page(c *gin.Context) error {
	v, err := s.view(c, c.Query("h"))
	if err != nil {
		return err
	}
	return s.Page(c, http.StatusOK, "simulator", v)
}

func (s *simulator) changes(c *gin.Context) error {
	v, err := s.view(c, c.Query("h"))
	if err != nil {
		return err
	}
	return s.Fragment(c, http.StatusOK, "handset", v)
}

func (s *simulator) view(c *gin.Context, open string) (templates.SimulatorPage, error) {
	v := templates.SimulatorPage{
		Shell: s.Shell(c, "Handsets", "simulator"), Line: bridge.PrettyAddress(demoLine), Client: rand.Text(),
		Quick: []templates.Choice{
			{Value: "Hi, my tap is dripping. Can you come this week?", Text: "My tap is dripping"},
			{Value: "Yes, that works. Thank you!", Text: "Yes, that works"},
			{Value: quickPhoto, Text: "Photo", Hint: "sends a picture message"},
			{Value: "STOP", Text: "STOP", Hint: "opts out: answers are blocked"},
			{Value: "START", Text: "START", Hint: "opts in again"},
			{Value: "HELP", Text: "HELP"},
			{Value: strings.Repeat("This is a long text with many words in it. ", 7), Text: "A long one"},
			{Value: "Danke 👍 bis später", Text: "Emoji"},
		},
	}
	v.Plays = playChoices()
	phones, err := s.phones(c)
	if err != nil {
		return v, err
	}
	if !slices.ContainsFunc(phones, func(h templates.Handset) bool { return h.Number == open }) {
		open = phones[0].Number
	}
	for i := range phones {
		phones[i].Current = phones[i].Number == open
		if phones[i].Current {
			v.Open = phones[i]
		}
	}
	v.Handsets, v.Messages, v.Wire = phones, s.texts(open), s.wire()
	for _, b := range smstest.Behaviours {
		v.Behaves = append(v.Behaves, templates.Choice{Value: string(b), Text: behaviourText(b)})
	}
	v.Open.Behave = string(s.sim.Behaviour(open))
	return v, nil
}

// phones are the contacts of the demo, and the numbers that behave in their own way.
func (s *simulator) phones(c *gin.Context) (out []templates.Handset, err error) {
	add := func(number, name string) {
		if !slices.ContainsFunc(out, func(h templates.Handset) bool { return h.Number == number }) {
			out = append(out, templates.Handset{Number: number, Name: name, Href: "/simulator?h=" + strings.Replace(number, "+", "%2B", 1)})
		}
	}
	err = s.store.Read(c.Request.Context(), func(tx *data.Tx) error {
		for _, d := range demoContacts() {
			name := d.name
			if known, err := tx.AddressesOf(bridge.SMS, d.phone); err == nil && len(known) > 0 {
				if contact, err := tx.Contact(known[0].Contact); err == nil && contact.Name != "" {
					name = contact.Name
				}
			}
			add(d.phone, name)
		}
		return nil
	})
	add(demoOnDuty, "On duty: Sam")
	for _, n := range smstest.Numbers() {
		add(n.Phone, n.Says)
	}
	return out, err
}

// texts are what the handset has, as its owner sees them.
func (s *simulator) texts(number string) (out []templates.Message) {
	now := s.Today()
	for i, t := range s.sim.Handset(number) {
		m := templates.Message{ID: bridge.MessageID(i + 1), Rev: 1, Side: "in", Who: demoBusiness, Key: "in", Body: t.Body, At: templates.NewStamp(t.At, now), Channel: bridge.SMS}
		for n := range t.Media {
			at := fmt.Sprintf("/simulator/media/%s/%d", t.SID, n)
			m.Media = append(m.Media, templates.Attachment{Name: "Photo", Photo: true, Href: at, Thumb: at})
		}
		if t.From == number {
			m.Side, m.Who, m.Key = "out", "You", "out"
		}
		out = append(out, m)
	}
	return out
}

func (s *simulator) wire() (out []templates.WireLine) {
	log := s.sim.Wire()
	for _, x := range log[max(0, len(log)-shownWire):] {
		who := "Porchlight → carrier  "
		if x.ToUs {
			who = "carrier → Porchlight  "
		}
		out = append(out, templates.WireLine{
			ID: fmt.Sprintf("w-%d", x.At.UnixNano()), At: x.At.In(s.zone).Format("15:04:05"),
			Text: who + x.Method + " " + x.Path + "  " + x.Summary, Code: x.Status,
		})
	}
	return out
}

func (s *simulator) send(c *gin.Context) error {
	number, body := c.PostForm("h"), strings.TrimSpace(c.PostForm("body"))
	if _, err := bridge.ParsePhone(number); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(body); n == 0 || n > 1600 {
		return &bridge.Invalid{Field: "body", Problem: "A text has 1 to 1,600 characters"}
	}
	var media []smstest.Media
	if body == quickPhoto {
		body, media = "", []smstest.Media{{ContentType: "image/jpeg", Data: demoPhoto()}}
	}
	_, status, err := s.sim.Text(c.Request.Context(), number, demoLine, body, media...)
	if err != nil || status >= 300 {
		return &bridge.Invalid{Field: "body", Problem: fmt.Sprintf("Porchlight did not take the text (%d)", status)}
	}
	return s.done(c, number)
}

// picture shows a file of a text on the handset.
func (s *simulator) picture(c *gin.Context) error {
	n, err := strconv.Atoi(c.Param("n"))
	m, ok := s.sim.Picture(c.Param("sid"), n)
	if err != nil || !ok {
		return bridge.ErrNotFound
	}
	c.Header("Cache-Control", "private, max-age=3600")
	c.Data(http.StatusOK, m.ContentType, m.Data)
	return nil
}

func (s *simulator) behave(c *gin.Context) error {
	b := smstest.Behaviour(c.PostForm("behave"))
	if !slices.Contains(smstest.Behaviours[:], b) {
		return &bridge.Invalid{Field: "behave", Problem: "Choose one of the list"}
	}
	s.sim.SetBehaviour(c.PostForm("h"), b)
	return s.done(c, c.PostForm("h"))
}

func (s *simulator) done(c *gin.Context, number string) error {
	if !web.WantsFragment(c) {
		c.Redirect(http.StatusSeeOther, "/simulator?h="+strings.Replace(number, "+", "%2B", 1))
		return nil
	}
	v, err := s.view(c, number)
	if err != nil {
		return err
	}
	return s.Fragment(c, http.StatusOK, "handset", v)
}

func (s *simulator) events(c *gin.Context) error {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	defer context.AfterFunc(s.gone, cancel)()
	c.Request = c.Request.WithContext(ctx)
	wake, unsubscribe := s.sim.Subscribe()
	defer unsubscribe()
	return follow(c, wake)
}

// follow tells a page of each signal until it is closed.
func follow(c *gin.Context, wake <-chan struct{}) error {
	stream, err := web.OpenStream(c)
	if err != nil {
		return nil // the browser has left
	}
	return web.Follow(stream, wake, func(struct{}) error {
		return stream.Send("changed", time.Now().UnixMilli(), "1")
	})
}

func behaviourText(b smstest.Behaviour) string {
	words := map[smstest.Behaviour]string{
		smstest.SwitchedOff: "Switched off (30003)", smstest.Blocked: "Blocking us (30004)", smstest.OutOfService: "Not in service (30005)",
		smstest.Landline: "A landline (30006)", smstest.Filtered: "Behind a spam filter (30007)", smstest.NoReason: "Failing without a reason (30008)",
		smstest.Unregistered: "Refusing unregistered senders (30034)", smstest.OptedOut: "Opted out (21610)", smstest.Invalid: "Not a valid number (21211)",
		smstest.Slow: "Slow: 8 seconds", smstest.LostAnswer: "Reachable, but Twilio's answer is lost", smstest.DuplicateCallbacks: "Reachable, everything reported twice",
		smstest.OutOfOrderCallbacks: "Reachable, reported in the wrong order", smstest.EarlyCallback: "Reachable, reported before the answer",
		smstest.Busy: "Reachable, Twilio is busy first (429)", smstest.ServerError: "Out of luck: Twilio fails (500)",
		smstest.SilentServerError: "Reachable, but Twilio says 500", smstest.NeverReported: "Reachable, never reported",
	}
	return cmp.Or(words[b], "Reachable")
}
