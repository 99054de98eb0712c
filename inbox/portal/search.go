package portal

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// hitsPerPage fills two screens of a phone.
const hitsPerPage = 20

// asked is what a contact looks for: words, and the form's controls for sender and
// dates, which win over the same thing typed as from: or after:.
func (p *Portal) asked(c *gin.Context, who bridge.Contact) bridge.Search {
	zone := p.today(who).Location()
	q := bridge.ParseSearch(strings.TrimSpace(c.Query("q")), zone)
	if from := strings.ReplaceAll(strings.TrimSpace(c.Query("from")), `"`, ""); from != "" {
		q.From = bridge.ParseSearch(`from:"`+from+`"`, zone).From
	}
	if day, err := time.ParseInLocation(time.DateOnly, c.Query("after"), zone); err == nil {
		q.After = day
	}
	if day, err := time.ParseInLocation(time.DateOnly, c.Query("until"), zone); err == nil {
		q.Before = day.AddDate(0, 0, 1)
	}
	return q
}

// search looks through what the contact sees: neither notes nor conversations that
// they were taken out of.
func (p *Portal) search(c *gin.Context, who bridge.Contact) error {
	return page(p, c, http.StatusOK, "p-search", func(tx *data.Tx) (v templates.PortalSearch, err error) {
		if v.PortalShell, err = p.shell(c, tx, who, "Search", "messages"); err != nil {
			return v, err
		}
		v.Query, v.From, v.After, v.Until = c.Query("q"), c.Query("from"), c.Query("after"), c.Query("until")
		q := p.asked(c, who)
		if v.Asked = !q.Empty(); !v.Asked {
			return v, nil
		}
		hits, err := tx.SearchAsContact(who.ID, q, number[bridge.MessageID](c.Query("before")), hitsPerPage+1)
		if err != nil {
			return v, err
		}
		if len(hits) > hitsPerPage {
			hits = hits[:hitsPerPage]
			next := url.Values{"q": {v.Query}, "from": {v.From}, "after": {v.After}, "until": {v.Until}, "before": {strconv.FormatInt(int64(hits[hitsPerPage-1].Message), 10)}}
			v.More = "/portal/search?" + next.Encode()
		}
		for _, h := range hits {
			v.Hits = append(v.Hits, p.hit(v.Words, who, h, p.today(who)))
		}
		return v, nil
	})
}

func (p *Portal) hit(w templates.Words, who bridge.Contact, h bridge.Hit, now time.Time) templates.PortalHit {
	id := strconv.FormatInt(int64(h.Message), 10)
	out := templates.PortalHit{
		Href: conversationURL(h.Conversation) + "?at=" + id + "#m-" + id, At: w.Stamp(h.At, now), Snippet: h.Snippet,
		Who: p.author(w, bridge.Message{Author: h.Author}, who), Title: h.Subject,
	}
	if out.Title == "" {
		out.Title = h.RecordLabel
	}
	if out.Title == "" {
		out.Title = p.Business
	}
	if len(h.Snippet) == 0 && h.Files > 0 {
		out.Snippet = []bridge.Piece{{Text: w.T("Files")}}
	}
	return out
}
