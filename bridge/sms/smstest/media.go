package smstest

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
)

// Codes that Twilio gives for pictures that it cannot get or not take.
const (
	codeMediaUnreachable = 11200
	codeMediaTooLarge    = 11751
	codeMediaType        = 12300
	maxMediaTotal        = 5 << 20
)

// collect fetches the pictures of a text as Twilio does: it asks for each one's head,
// then for the whole, and wants both to say what the picture is. The first that is
// wrong fails the text.
func (s *Server) collect(m *message) (code int) {
	total := 0
	var got []storedMedia
	for _, u := range m.mediaURLs {
		head, _, err := s.ask(http.MethodHead, u)
		if err != nil {
			return codeMediaUnreachable
		}
		res, body, err := s.ask(http.MethodGet, u)
		kind, _, _ := mime.ParseMediaType(res.Get("Content-Type"))
		switch total += len(body); {
		case err != nil || head.Get("Content-Length") != strconv.Itoa(len(body)):
			return codeMediaUnreachable
		case total > maxMediaTotal:
			return codeMediaTooLarge
		case kind != http.DetectContentType(body) || head.Get("Content-Type") != res.Get("Content-Type"):
			return codeMediaType
		}
		got = append(got, storedMedia{newID("ME"), Media{kind, body}})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.media = got
	return 0
}

func (s *Server) ask(method, address string) (http.Header, []byte, error) {
	none := http.Header{}
	req, err := http.NewRequestWithContext(s.ctx, method, address, nil)
	if err != nil {
		return none, nil, err
	}
	res, err := s.http.Do(req)
	if err != nil {
		return none, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxMediaTotal+1))
	path := ""
	if u, bad := url.Parse(address); bad == nil {
		path = u.Path
	}
	s.log(Exchange{ToUs: true, Method: method, Path: path, Summary: fmt.Sprintf("%s, %d bytes", res.Header.Get("Content-Type"), len(body)), Status: res.StatusCode})
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("smstest: %s answered %d", path, res.StatusCode)
	}
	return res.Header, body, err
}

// Picture gives a file of a text by the text's id, as a handset shows it.
func (s *Server) Picture(sid string, n int) (Media, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.bySID[sid]
	if m == nil || n < 0 || n >= len(m.media) {
		return Media{}, false
	}
	return m.media[n].Media, true
}
