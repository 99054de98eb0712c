package smstest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list answers newest first, with Twilio's page tokens: the id of the last
// message that the page before showed.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("PageSize"))
	if err != nil || size < 1 {
		size = 50
	}
	size = min(size, 1000)
	number, _ := strconv.Atoi(q.Get("Page"))
	page := listPage{PageSize: size, Page: number, URI: r.URL.RequestURI()}
	var more bool
	page.Messages, more = s.page(q, size)
	if more {
		q.Set("Page", strconv.Itoa(number+1))
		q.Set("PageToken", "PA"+page.Messages[size-1].SID)
		next := r.URL.Path + "?" + q.Encode()
		page.NextPageURI = &next
	}
	writeJSON(w, http.StatusOK, render(page))
}

// page gives up to size messages after the page token, and whether more follow.
func (s *Server) page(q url.Values, size int) (messages []resource, more bool) {
	after := strings.TrimPrefix(q.Get("PageToken"), "PA")
	messages = []resource{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.messages) {
		switch {
		case after != "":
			if m.sid == after {
				after = ""
			}
		case !matches(m, q):
		case len(messages) == size:
			return messages, true
		default:
			messages = append(messages, s.resource(m))
		}
	}
	return messages, false
}

type listPage struct {
	Messages        []resource `json:"messages"`
	Page            int        `json:"page"`
	PageSize        int        `json:"page_size"`
	NextPageURI     *string    `json:"next_page_uri"`
	PreviousPageURI *string    `json:"previous_page_uri"`
	URI             string     `json:"uri"`
}

func matches(m *message, q url.Values) bool {
	if to := q.Get("To"); to != "" && to != m.to {
		return false
	}
	if from := q.Get("From"); from != "" && from != m.from {
		return false
	}
	if day, ok := readDay(q.Get("DateSent>")); ok && m.created.Before(day) {
		return false
	}
	if day, ok := readDay(q.Get("DateSent<")); ok && !m.created.Before(day.AddDate(0, 0, 1)) {
		return false
	}
	return true
}

// readDay keeps the day only, as Twilio's documents promise no more.
func readDay(s string) (time.Time, bool) {
	if len(s) < len(time.DateOnly) {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	return day, err == nil
}

// fetch answers for one message, its media list, or the bytes of one file.
func (s *Server) fetch(w http.ResponseWriter, r *http.Request, path string) {
	parts := strings.Split(path, "/")
	s.mu.Lock()
	m := s.bySID[strings.TrimSuffix(parts[0], ".json")]
	var found []byte
	if m != nil {
		found = render(s.resource(m))
	}
	s.mu.Unlock()
	switch {
	case m == nil:
	case len(parts) == 1:
		writeJSON(w, http.StatusOK, found)
		return
	case len(parts) == 2 && parts[1] == "Media.json":
		writeJSON(w, http.StatusOK, render(s.mediaList(m, r)))
		return
	case len(parts) == 3 && parts[1] == "Media":
		for _, f := range m.media {
			if f.sid == parts[2] {
				w.Header().Set("Content-Type", f.ContentType)
				_, _ = w.Write(f.Data) // the client may be gone
				return
			}
		}
	}
	s.notFound(w, r)
}

type mediaPage struct {
	MediaList []mediaResource `json:"media_list"`
	Page      int             `json:"page"`
	PageSize  int             `json:"page_size"`
	URI       string          `json:"uri"`
}

type mediaResource struct {
	SID         string `json:"sid"`
	AccountSID  string `json:"account_sid"`
	ParentSID   string `json:"parent_sid"`
	ContentType string `json:"content_type"`
	DateCreated string `json:"date_created"`
	DateUpdated string `json:"date_updated"`
	URI         string `json:"uri"`
}

func (s *Server) mediaList(m *message, r *http.Request) mediaPage {
	page := mediaPage{MediaList: []mediaResource{}, PageSize: 50, URI: r.URL.RequestURI()}
	for _, f := range m.media {
		page.MediaList = append(page.MediaList, mediaResource{f.sid, s.opts.AccountSID, m.sid, f.ContentType,
			stamp(m.created), stamp(m.created), s.mediaPath(m, f) + ".json"})
	}
	return page
}

func (s *Server) mediaPath(m *message, f storedMedia) string {
	return fmt.Sprintf("/2010-04-01/Accounts/%s/Messages/%s/Media/%s", s.opts.AccountSID, m.sid, f.sid)
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
}
