// Package blobstest is S3-compatible storage on the wire, for tests: one bucket in
// memory that checks the signature of every request and misbehaves when told to.
package blobstest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a client needs to be let in.
const (
	Bucket    = "porchlight-files"
	Region    = "us-east-1"
	AccessKey = "EXAMPLEACCESSKEY"
	SecretKey = "example/secret/key"
)

// A Server is the storage.
type Server struct {
	URL string

	mu      sync.Mutex
	objects map[string][]byte
	fail    int // how many requests are still answered with 503
	asked   []string
}

// Start serves until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{objects: map[string][]byte{}}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// FailNext answers the next n requests with 503.
func (s *Server) FailNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = n
}

// Keys lists what is kept, in order.
func (s *Server) Keys() (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.objects {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Asked lists the requests so far, as "GET key range".
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, ok := strings.CutPrefix(r.URL.Path, "/"+Bucket+"/")
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+key+" "+r.Header.Get("Range")))
	broken := s.fail > 0
	if broken {
		s.fail--
	}
	s.mu.Unlock()
	body, err := read(r)
	switch {
	case broken:
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
	case err != nil:
		refuse(w, http.StatusBadRequest, "IncompleteBody")
	case !signed(r):
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch")
	case !ok && r.URL.Path != "/"+Bucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "", !ok:
		w.WriteHeader(http.StatusOK) // HEAD of the bucket
	default:
		s.object(w, r, key, body)
	}
}

func (s *Server) object(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had, found := s.objects[key]
	switch r.Method {
	case http.MethodPut:
		s.objects[key] = body
		w.Header().Set("ETag", etag(body))
	case http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet, http.MethodHead:
		if !found {
			refuse(w, http.StatusNotFound, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(had))
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), bytes.NewReader(had))
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func etag(b []byte) string { sum := md5.Sum(b); return `"` + hex.EncodeToString(sum[:]) + `"` }

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, code)
}

// read takes the body, which must be what its sum says.
func read(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	sum := sha256.Sum256(raw)
	if err == nil && hex.EncodeToString(sum[:]) != r.Header.Get("X-Amz-Content-Sha256") {
		err = errors.New("the body is not what was signed")
	}
	return raw, err
}

// signed checks AWS Signature Version 4 as the client must have made it.
func signed(r *http.Request) bool {
	var scope, names, signature string
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(auth, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope = value
		case "SignedHeaders":
			names = value
		case "Signature":
			signature = value
		}
	}
	scope, mine := strings.CutPrefix(scope, AccessKey+"/")
	day := strings.Split(scope, "/")
	if !ok || !mine || len(day) != 4 || day[1] != Region || !strings.Contains(names, "host") {
		return false
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(names, ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, (&url.URL{Path: r.URL.Path}).EscapedPath(), query, headers.String(), names, r.Header.Get("X-Amz-Content-Sha256")}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + SecretKey)
	for _, part := range append(day, text) {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(part))
		key = m.Sum(nil)
	}
	return hmac.Equal([]byte(hex.EncodeToString(key)), []byte(signature))
}
