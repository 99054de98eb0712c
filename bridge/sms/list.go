package sms

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"
)

const (
	findPages = 20   // of 50: a thousand texts to one number since the attempt is a loop, not a customer
	listSize  = 1000 // the most that Twilio gives in a page
)

// Find lists what Twilio accepted from o.From to o.To since the time, newest
// first. Creation is compared here: Twilio's own date filter counts the days of
// sending, and a queued text has none. Its clock counts whole seconds.
func (t *Twilio) Find(ctx context.Context, o bridge.Outgoing, since time.Time) ([]bridge.Found, error) {
	p := &openapi.ListMessageParams{}
	p.SetTo(o.To).SetPageSize(50)
	if t.service == "" { // a Messaging Service sends from a number of its own choice
		p.SetFrom(o.From)
	}
	since = since.Truncate(time.Second)
	var found []bridge.Found
	pages := 0
	err := t.eachPage(ctx, p, func(page []openapi.ApiV2010Message) bool {
		pages++
		for _, m := range page {
			f := readFound(m)
			if f.CreatedAt.Before(since) {
				return false
			}
			if strings.HasPrefix(str(m.Direction), "outbound") {
				found = append(found, f)
			}
		}
		return pages < findPages
	})
	return found, err
}

// Status asks for the present state of an accepted message. An id that Twilio
// does not know, or no longer, is bridge.ErrNotFound.
func (t *Twilio) Status(ctx context.Context, carrierID string) (bridge.Found, error) {
	if !sidPattern.MatchString(carrierID) {
		return bridge.Found{}, &bridge.Invalid{Field: "MessageSid", Problem: "is not a message id"}
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	api, c := t.api(ctx)
	m, err := api.FetchMessage(carrierID, nil)
	if err != nil {
		return bridge.Found{}, failedTo("ask for message "+carrierID, c, err)
	}
	return readFound(*m), nil
}

// ListInbound gives every text to a line since the time, the oldest first,
// because a STOP and the START after it mean something only in their order.
// Twilio lists the newest first, so everything is read before page is called,
// with up to 50 texts at a time. An error of page ends it.
func (t *Twilio) ListInbound(ctx context.Context, to string, since time.Time, page func([]bridge.Inbound) error) error {
	p := &openapi.ListMessageParams{}
	p.SetTo(to).SetPageSize(listSize)
	p.SetDateSentAfter(since.UTC().Truncate(24 * time.Hour)) // whole days are all that is promised
	since = since.Truncate(time.Second)
	var all []openapi.ApiV2010Message
	err := t.eachPage(ctx, p, func(ms []openapi.ApiV2010Message) bool {
		for _, m := range ms {
			if str(m.Direction) == "inbound" && sidPattern.MatchString(str(m.Sid)) && !arrivedAt(m).Before(since) {
				all = append(all, m)
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	slices.Reverse(all)
	for some := range slices.Chunk(all, 50) {
		texts := make([]bridge.Inbound, len(some))
		for i, m := range some {
			if texts[i], err = t.recovered(ctx, m); err != nil {
				return err
			}
		}
		if err := page(texts); err != nil {
			return err
		}
	}
	return nil
}

// eachPage calls f for the list's pages until it gives false.
func (t *Twilio) eachPage(ctx context.Context, p *openapi.ListMessageParams, f func([]openapi.ApiV2010Message) bool) error {
	token, number := "", ""
	for {
		one, cancel := context.WithTimeout(ctx, t.timeout)
		api, c := t.api(one)
		page, err := api.PageMessage(p, token, number)
		cancel()
		if err != nil {
			return failedTo("list messages to "+bridge.MaskAddress(str(p.To)), c, err)
		}
		if !f(page.Messages) || len(page.Messages) == 0 {
			return nil
		}
		next, err := url.Parse(str(page.NextPageUri))
		if err != nil || next.Path == "" {
			return nil
		}
		before := token + " " + number
		token, number = next.Query().Get("PageToken"), next.Query().Get("Page")
		if token+" "+number == before { // a list that does not move on
			return nil
		}
	}
}

func (t *Twilio) recovered(ctx context.Context, m openapi.ApiV2010Message) (bridge.Inbound, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return bridge.Inbound{}, err
	}
	in := bridge.Inbound{
		Channel: bridge.SMS, CarrierID: str(m.Sid), From: str(m.From), To: str(m.To),
		Body: bridge.CleanText(str(m.Body)), Raw: string(raw), At: arrivedAt(m), Recovered: true,
	}
	if n, _ := strconv.Atoi(str(m.NumMedia)); n > 0 {
		in.Media, err = t.listMedia(ctx, in.CarrierID)
	}
	return in, err
}

// listMedia gives the addresses that the webhook would have given. Media that
// are gone leave the text without them rather than losing it.
func (t *Twilio) listMedia(ctx context.Context, sid string) ([]bridge.Media, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	api, c := t.api(ctx)
	page, err := api.PageMedia(sid, nil, "", "")
	if c.status == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, failedTo("list media of "+sid, c, err)
	}
	var media []bridge.Media
	for _, m := range page.MediaList[:min(len(page.MediaList), MaxMedia)] {
		media = append(media, bridge.Media{
			URL:         t.base.Scheme + "://" + t.base.Host + strings.TrimSuffix(str(m.Uri), ".json"),
			ContentType: str(m.ContentType),
		})
	}
	return media, nil
}

func readFound(m openapi.ApiV2010Message) bridge.Found {
	f := bridge.Found{CarrierID: str(m.Sid), Status: str(m.Status), Body: str(m.Body), CreatedAt: readTime(m.DateCreated)}
	if m.ErrorCode != nil && *m.ErrorCode != 0 {
		f.Code = strconv.Itoa(*m.ErrorCode)
	}
	return f
}

func arrivedAt(m openapi.ApiV2010Message) time.Time {
	if at := readTime(m.DateSent); !at.IsZero() {
		return at
	}
	return readTime(m.DateCreated)
}

func readTime(s *string) time.Time {
	at, err := time.Parse(time.RFC1123Z, str(s))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
