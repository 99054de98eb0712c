package staff

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

func recordURL(id bridge.RecordID) string { return "/records/" + strconv.FormatInt(int64(id), 10) }

// records is the list of jobs, quotes, projects and maintenance requests; for the
// page's own script the table alone.
func (s *Inbox) records(c *gin.Context) error {
	if err := seesPeople(c); err != nil {
		return err
	}
	q := c.Request.URL.Query()
	f := data.RecordFilter{Words: clip(q.Get("q")), Open: q.Get("open") != "all", Before: number[bridge.RecordID](q.Get("before"))}
	if t, err := bridge.ParseRecordType(q.Get("type")); err == nil {
		f.Type = t
	}
	p := templates.RecordsPage{
		Shell: s.Shell(c, "Records", "records"), Words: f.Words, All: !f.Open,
		Types: append([]templates.Option{{Text: "Every type", Chosen: f.Type == ""}}, typeOptions(f.Type)...),
	}
	err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		p.Rev = tx.Rev()
		p.List, err = s.newRecordList(tx, f, q)
		return err
	})
	if err != nil {
		return err
	}
	if web.WantsFragment(c) {
		return s.Fragment(c, http.StatusOK, "recordlist", p.List)
	}
	return s.Page(c, http.StatusOK, "records", p)
}

func (s *Inbox) newRecordList(tx *data.Tx, f data.RecordFilter, q url.Values) (l templates.RecordList, err error) {
	rs, err := tx.Records(f, peoplePerPage+1)
	if err != nil {
		return l, err
	}
	if len(rs) > peoplePerPage {
		rs = rs[:peoplePerPage]
		next := url.Values{}
		for _, k := range []string{"q", "type", "open"} {
			if q.Get(k) != "" {
				next.Set(k, q.Get(k))
			}
		}
		next.Set("before", strconv.FormatInt(int64(rs[len(rs)-1].ID), 10))
		l.More = "/records?" + next.Encode()
	}
	clients, err := tx.Clients(rs)
	for _, r := range rs {
		line := newRecordLine(r)
		line.Client, line.Since = clients[r.ID], day(r.CreatedAt, s.now())
		l.Rows = append(l.Rows, line)
	}
	l.Empty = templates.Empty{Title: "No records yet", Text: "Jobs, quotes, projects and maintenance requests stand here: from your CRM, or made by hand.", Action: "New record", Href: "/records/new"}
	if f.Words != "" || f.Type != "" {
		l.Empty = templates.Empty{Title: "No record fits", Text: "Try fewer words, another type, or the closed ones too.", Action: "Show all", Href: "/records?open=all"}
	}
	return l, err
}

func typeOptions(chosen bridge.RecordType) (out []templates.Option) {
	for _, t := range bridge.RecordTypes {
		out = append(out, templates.Option{Value: string(t), Text: t.Title(), Chosen: t == chosen})
	}
	return out
}

// newRecordLine is a record as lists show it.
func newRecordLine(r bridge.Record) templates.RecordLine {
	l := templates.RecordLine{ID: r.ID, Href: recordURL(r.ID), Reference: r.Reference, Title: r.Title, Type: r.Type.Title(), Stage: r.Stage, State: templates.Badge{Tone: "ok", Icon: "dot", Text: "Open"}}
	switch {
	case r.Closed:
		l.State = templates.Badge{Icon: "tick", Text: "Closed"}
	case r.Type == bridge.Quote && r.SentToPortal.IsZero():
		l.State = templates.Badge{Tone: "warn", Icon: "clock", Text: "Not sent yet"}
	case r.Type == bridge.Quote:
		l.State = templates.Badge{Tone: "portal", Icon: "portal", Text: "In the portal"}
	}
	return l
}

// mayEditRecords is the answer to who may change records.
func mayEditRecords(reader bridge.Staff) error {
	return bridge.Decide(reader.Actor(), bridge.DoEditRecord, &bridge.Facts{}).Err()
}

func (s *Inbox) newRecord(c *gin.Context) error {
	return s.showNewRecord(c, http.StatusOK, c.Request.URL.Query(), "", "")
}

func (s *Inbox) showNewRecord(c *gin.Context, code int, sent url.Values, field, problem string) error {
	if err := mayEditRecords(me(c)); err != nil {
		return err
	}
	p := templates.RecordPage{Shell: s.Shell(c, "New record", "records"), Error: problem, ErrorField: field}
	r := bridge.Record{Type: bridge.Job}
	err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		p.Rev = tx.Rev()
		p.Form, err = s.newRecordForm(tx, r, sent)
		return err
	})
	if err != nil {
		return err
	}
	p.Form.New, p.Form.Action = true, "/records/new"
	if web.WantsFragment(c) && problem == "" {
		return s.Fragment(c, code, "found", p.Form)
	}
	return s.Page(c, code, "record", p)
}

func (s *Inbox) addRecord(c *gin.Context) error {
	if err := mayEditRecords(me(c)); err != nil {
		return err
	}
	form := postForm(c)
	ch, err := recordChange(form)
	if err == nil {
		ch.Type = bridge.RecordType(form.Get("type"))
		var r bridge.Record
		if r, err = s.in.AddRecord(c.Request.Context(), me(c), ch); err == nil {
			c.Redirect(http.StatusSeeOther, recordURL(r.ID)+"?done=made")
			return nil
		}
	}
	if field, problem, ok := invalid(err); ok {
		return s.showNewRecord(c, http.StatusUnprocessableEntity, form, field, problem)
	}
	return err
}

// postForm is all that a form sent.
func postForm(c *gin.Context) url.Values {
	c.Request.ParseForm() // what cannot be read is not there
	return c.Request.PostForm
}

func (s *Inbox) record(c *gin.Context) error {
	return s.showRecord(c, http.StatusOK, c.Request.URL.Query(), "", "")
}

// showRecord shows a record with its form. sent is what somebody typed, if they did.
func (s *Inbox) showRecord(c *gin.Context, code int, sent url.Values, field, problem string) error {
	if err := seesPeople(c); err != nil {
		return err
	}
	id, err := web.ID[bridge.RecordID](c, "id")
	if err != nil {
		return err
	}
	p := templates.RecordPage{Shell: s.Shell(c, "", "records"), Error: problem, ErrorField: field, Done: done(c)}
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		p.Rev = tx.Rev()
		r, err := tx.Record(id)
		if err != nil {
			return err
		}
		if p.Form, err = s.newRecordForm(tx, r, sent); err != nil {
			return err
		}
		return s.fillRecord(tx, me(c), r, &p)
	})
	if err != nil {
		return err
	}
	if web.WantsFragment(c) && problem == "" {
		return s.Fragment(c, code, "found", p.Form)
	}
	return s.Page(c, code, "record", p)
}

func (s *Inbox) fillRecord(tx *data.Tx, reader bridge.Staff, r bridge.Record, p *templates.RecordPage) error {
	p.Record, p.Title, p.Form.Action = newRecordLine(r), r.Label(), recordURL(r.ID)
	p.NewTalkHref = "/inbox/new?record=" + strconv.FormatInt(int64(r.ID), 10)
	if r.Type == bridge.Quote {
		p.Quote = true
		if !r.SentToPortal.IsZero() {
			at := templates.NewStamp(r.SentToPortal, s.now())
			p.Sent = &at
		}
	}
	cs, err := tx.ConversationsAbout(reader, r.ID, 50)
	if err != nil {
		return err
	}
	for _, conv := range cs {
		l := newTalkLine(conv, s.now())
		l.Title = conv.Title
		if conv.Subject != "" && conv.Kind == bridge.KindTopic {
			l.Title = conv.Subject
		}
		p.Talks = append(p.Talks, l)
	}
	if r.Type != bridge.Maintenance || r.Closed {
		return nil
	}
	shares, err := s.in.Shares(tx, r)
	for _, sh := range shares {
		seen := slices.ContainsFunc(cs, func(c bridge.Conversation) bool { return c.ID == sh.Conversation })
		p.Shares = append(p.Shares, newShareLine(sh, seen))
	}
	return err
}

// newShareLine says what became of sharing a request with somebody. Where the
// conversation is, is for those who see it.
func newShareLine(sh intake.Share, seen bool) templates.ShareLine {
	l := templates.ShareLine{Name: sh.Contact.Title(), Href: contactURL(sh.Contact.ID), Side: sh.Contact.Side.Title()}
	switch {
	case sh.Conversation != 0 && !seen:
		l.Others = true
	case sh.Conversation != 0:
		l.TalkHref = conversationURL(bridge.ViewOpen, sh.Conversation)
	case sh.Decision.Allowed():
		l.Why = "The conversation appears when the request is saved again"
	default:
		l.Why, l.Fix = sh.Decision.Sentence, sh.Decision.Fix
	}
	return l
}

func (s *Inbox) editRecord(c *gin.Context) error {
	if err := mayEditRecords(me(c)); err != nil {
		return err
	}
	id, err := web.ID[bridge.RecordID](c, "id")
	if err != nil {
		return err
	}
	form := postForm(c)
	ch, err := recordChange(form)
	if err == nil {
		closed := form.Get("closed") != ""
		ch.Closed = &closed
		_, err = s.in.EditRecord(c.Request.Context(), me(c), id, ch)
	}
	if field, problem, ok := invalid(err); ok {
		return s.showRecord(c, http.StatusUnprocessableEntity, form, field, problem)
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, recordURL(id)+"?done=saved")
	return nil
}

// sentToPortal notes that a quote was sent to the customer's portal, or was not.
func (s *Inbox) sentToPortal(c *gin.Context) error {
	if err := mayEditRecords(me(c)); err != nil {
		return err
	}
	id, err := web.ID[bridge.RecordID](c, "id")
	if err != nil {
		return err
	}
	sent := c.PostForm("sent") != "0"
	_, err = s.in.EditRecord(c.Request.Context(), me(c), id, intake.RecordChange{SentToPortal: &sent})
	if field, problem, ok := invalid(err); ok {
		return s.showRecord(c, http.StatusUnprocessableEntity, nil, field, problem)
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, recordURL(id)+"?done=saved")
	return nil
}
