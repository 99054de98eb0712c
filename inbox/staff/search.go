package staff

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// hitsPerPage fills two screens.
const hitsPerPage = 30

// asked is what a page is asked to look for: what was typed, and the form's controls
// for who types no operators.
type asked struct {
	typed  string
	search bridge.Search
	until  string
	form   bool // a control is set
}

// readSearch reads the query. A control wins over the same thing typed.
func (s *Inbox) readSearch(c *gin.Context) asked {
	a := asked{typed: strings.TrimLeft(c.Query("q"), " ")}
	a.search = bridge.ParseSearch(a.typed, s.Zone)
	read := func(name, operator string) {
		if v := strings.ReplaceAll(strings.TrimSpace(c.Query(name)), `"`, ""); v != "" {
			other := bridge.ParseSearch(operator+`:"`+v+`"`, s.Zone)
			switch operator {
			case "from":
				a.search.From, a.form = other.From, true
			case "in":
				a.search.Record, a.form = other.Record, true
			case "channel":
				a.search.Channel, a.form = other.Channel, true
			case "after":
				a.search.After, a.form = other.After, true
			}
		}
	}
	for _, name := range []string{"from", "in", "channel", "after"} {
		read(name, name)
	}
	if day, err := time.ParseInLocation("2006-01-02", c.Query("until"), s.Zone); err == nil {
		a.search.Before, a.until, a.form = day.AddDate(0, 0, 1), c.Query("until"), true
	}
	if c.Query("photo") != "" {
		a.search.HasPhoto, a.form = true, true
	}
	if c.Query("failed") != "" {
		a.search.Failed, a.form = true, true
	}
	return a
}

// search is the page of what was found, in the list's place.
func (s *Inbox) search(c *gin.Context) error {
	if web.WantsFragment(c) {
		var f templates.Found
		err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
			f, err = s.hits(tx, me(c), viewOf(c), s.readSearch(c).search, number[bridge.MessageID](c.Query("before")), 0)
			return err
		})
		if err != nil {
			return err
		}
		return s.Fragment(c, http.StatusOK, "hits", f)
	}
	p, err := s.inboxPage(c, viewOf(c), nil)
	if err != nil {
		return err
	}
	p.Title = "Search"
	return s.Page(c, http.StatusOK, "inbox", p)
}

// searching reports whether the page's list is a search: its own page, or that of a
// message that was found.
func searching(c *gin.Context) bool {
	return c.FullPath() == "/inbox/search" || c.Query("q") != ""
}

// newSearch is the list's pane while somebody searches.
func (s *Inbox) newSearch(c *gin.Context, tx *data.Tx, v bridge.View) (*templates.Search, error) {
	a := s.readSearch(c)
	view := &templates.Search{Query: a.typed, BackURL: listURL(v), Photo: c.Query("photo") != "", Failed: c.Query("failed") != "",
		From: c.Query("from"), Record: c.Query("in"), After: c.Query("after"), Until: a.until, Filtered: a.form, Senders: []string{"me"}}
	view.Channels = []templates.Option{{Text: "Any way", Chosen: c.Query("channel") == ""}}
	for _, ch := range []bridge.Channel{bridge.SMS, bridge.Email, bridge.Portal, bridge.Voice, bridge.Inbox} {
		view.Channels = append(view.Channels, templates.Option{Value: string(ch), Text: channelName(ch), Chosen: c.Query("channel") == string(ch)})
	}
	team, err := tx.Staff()
	if err != nil {
		return nil, err
	}
	for _, p := range team {
		view.Senders = append(view.Senders, p.Name)
	}
	before := number[bridge.MessageID](c.Query("before"))
	if c.FullPath() != "/inbox/search" {
		before = 0 // there it is a place in the log
	}
	view.Found, err = s.hits(tx, me(c), v, a.search, before, number[bridge.MessageID](c.Query("at")))
	return view, err
}

func channelName(ch bridge.Channel) string {
	switch ch {
	case bridge.SMS:
		return "Text"
	case bridge.Email:
		return "Email"
	case bridge.Portal:
		return "Portal"
	case bridge.Voice:
		return "Call"
	case bridge.Inbox:
		return "Inbox"
	}
	return ""
}

// hits looks for messages and puts those of one conversation in a row together.
func (s *Inbox) hits(tx *data.Tx, reader bridge.Staff, v bridge.View, q bridge.Search, before, current bridge.MessageID) (f templates.Found, err error) {
	if q.Empty() {
		f.Empty = &templates.Empty{Title: "Search all messages", Text: `Words, "exact phrases", and from:maya, in:1042, after:2026-03-01, before:2026-04, has:photo, is:failed, channel:email.`}
		return f, nil
	}
	hits, err := tx.Search(reader, q, before, hitsPerPage+1)
	if err != nil {
		return f, err
	}
	if len(hits) > hitsPerPage {
		hits = hits[:hitsPerPage]
		f.More = searchURL(v, q) + "&before=" + strconv.FormatInt(int64(hits[hitsPerPage-1].Message), 10)
	}
	if len(hits) == 0 && before == 0 {
		f.Empty = &templates.Empty{Title: "Nothing found", Text: "Try fewer words, or the beginning of one."}
	}
	if f.Note, err = s.indexNote(tx); err != nil {
		return f, err
	}
	groups := map[bridge.ConversationID]int{}
	for _, h := range hits {
		i, ok := groups[h.Conversation]
		if !ok {
			i = len(f.Groups)
			groups[h.Conversation] = i
			title := h.TitleFor(reader)
			sub := h.RecordLabel
			if h.Subject != "" {
				sub = strings.TrimSuffix(h.Subject+" · "+sub, " · ")
			}
			f.Groups = append(f.Groups, templates.FoundGroup{Title: title, Sub: sub, Initials: bridge.Initials(title)})
		}
		f.Groups[i].Hits = append(f.Groups[i].Hits, s.newHit(h, v, q, current))
	}
	return f, nil
}

func (s *Inbox) newHit(h bridge.Hit, v bridge.View, q bridge.Search, current bridge.MessageID) templates.FoundHit {
	id := strconv.FormatInt(int64(h.Message), 10)
	hit := templates.FoundHit{
		Href: "/inbox/c/" + strconv.FormatInt(int64(h.Conversation), 10) + "?" + viewQuery(v) + "at=" + id + "&q=" + url.QueryEscape(q.String()) + "#m-" + id,
		Who:  h.Author.Name, At: templates.NewStamp(h.At, s.now()), Snippet: h.Snippet, Side: string(h.Direction), Files: h.Files > 0, Current: h.Message == current,
	}
	switch {
	case h.Direction == bridge.Note:
		hit.Icon = "note"
	case h.Channel == bridge.Inbox:
		hit.Icon = "people"
	default:
		hit.Icon = string(h.Channel)
	}
	if len(hit.Snippet) == 0 {
		hit.Snippet = []bridge.Piece{{Text: "Photo or file"}}
	}
	return hit
}

// indexNote says how far the index is, while it is being made.
func (s *Inbox) indexNote(tx *data.Tx) (string, error) {
	upto, newest, err := tx.Indexed()
	if err != nil || newest-upto < 2_000 {
		return "", err
	}
	return fmt.Sprintf("Messages are still being read for searching: %d %% done.", 100*upto/newest), nil
}

func searchURL(v bridge.View, q bridge.Search) string {
	return "/inbox/search?" + viewQuery(v) + "q=" + url.QueryEscape(q.String())
}

func viewQuery(v bridge.View) string {
	if v == bridge.ViewOpen {
		return ""
	}
	return "view=" + url.QueryEscape(string(v)) + "&"
}
