package media_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/media"
	"porchlight/bridge/picture/picturetest"
	"porchlight/data"
	"porchlight/data/blobs"
	"porchlight/data/datatest"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A post is a store with a carrier that holds files.
type post struct {
	*testing.T
	store   *data.Store
	blobs   *blobs.Folder
	shelf   *media.Shelf
	carrier *httptest.Server
	answer  func(http.ResponseWriter, *http.Request)
	asked   atomic.Int32
	now     time.Time
	conv    bridge.ConversationID
}

func eachPost(t *testing.T, test func(*post)) {
	t.Helper()
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		p := &post{T: t, store: s, now: noon}
		p.carrier = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.asked.Add(1)
			p.answer(w, r)
		}))
		t.Cleanup(p.carrier.Close)
		var err error
		if p.blobs, err = blobs.OpenFolder(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.blobs.Close() })
		if p.shelf, err = media.NewShelf(p.blobs, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		p.write(func(tx *data.Tx) error {
			c, err := tx.AddContact(bridge.Contact{Name: "Priya"}, noon)
			if err == nil {
				p.conv, err = tx.CustomerConversation(c, 0, noon)
			}
			return err
		})
		test(p)
	})
}

func (p *post) write(fn func(*data.Tx) error) {
	p.Helper()
	if err := p.store.Write(p.Context(), fn); err != nil {
		p.Fatal(err)
	}
}

func (p *post) fetcher() *media.Fetcher {
	return media.NewFetcher(media.FetchOptions{Store: p.store, Shelf: p.shelf, Now: func() time.Time { return p.now }, Hosts: []string{p.carrier.URL}, User: "account", Secret: "token"})
}

// brings is a message with a file that is at an address.
func (p *post) brings(address string) bridge.Message {
	p.Helper()
	var m bridge.Message
	p.write(func(tx *data.Tx) (err error) {
		m, err = tx.AddMessage(bridge.Message{Conversation: p.conv, At: noon, Direction: bridge.In, Channel: bridge.SMS, Author: bridge.Author{Kind: bridge.ByContact},
			Attachments: []bridge.Attachment{{Uploader: "sms", Name: "photo-1", ContentType: "image/jpeg", State: bridge.Arriving, Source: address}}})
		return err
	})
	return m
}

// turn lets the fetcher work once, and gives the message as it is then.
func (p *post) turn(m bridge.Message) bridge.Message {
	p.Helper()
	if _, err := p.fetcher().Turn(p.Context()); err != nil {
		p.Fatal(err)
	}
	var got bridge.Message
	if err := p.store.Read(p.Context(), func(tx *data.Tx) (err error) {
		got, err = tx.Message(m.ID)
		return err
	}); err != nil {
		p.Fatal(err)
	}
	return got
}

func photoFor(w http.ResponseWriter, r *http.Request) {
	if user, secret, _ := r.BasicAuth(); user != "account" || secret != "token" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Write(picturetest.JPEG(picturetest.Plain(60, 40), 6))
}

func TestAPhotoThatACarrierHasArrivesAndItsPageHearsOfIt(t *testing.T) {
	eachPost(t, func(p *post) {
		p.answer = photoFor
		m := p.brings(p.carrier.URL + "/media/1")
		got := p.turn(m)
		a := got.Attachments[0]
		if a.State != bridge.Kept || a.Type != "jpg" || a.Width != 40 || a.Name != "photo-1.jpg" || a.Thumb == "" {
			p.Errorf("%+v", a)
		}
		if got.Rev <= m.Rev {
			p.Error("an open page would never ask for it")
		}
		r, err := p.blobs.Open(p.Context(), a.Blob)
		if err != nil {
			p.Fatal(err)
		}
		defer r.Close()
		if b, err := io.ReadAll(r); err != nil || bytes.Contains(b, []byte(picturetest.Place)) || int64(len(b)) != a.Size {
			p.Errorf("%d bytes, %v", len(b), err)
		}
	})
}

func TestAFileThatIsLateIsTriedAgainAndInTheEndLost(t *testing.T) {
	eachPost(t, func(p *post) {
		p.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
		m := p.brings(p.carrier.URL + "/media/1")
		got := p.turn(m)
		if a := got.Attachments[0]; a.State != bridge.Arriving || p.asked.Load() != 1 {
			p.Fatalf("%+v after %d tries", a, p.asked.Load())
		}
		p.turn(m)
		if p.asked.Load() != 1 {
			p.Error("it was asked for again at once")
		}
		for range 20 {
			p.now = p.now.Add(9 * time.Hour)
			got = p.turn(m)
		}
		if a := got.Attachments[0]; a.State != bridge.Gone || a.Problem == "" || p.asked.Load() != 9 {
			p.Errorf("%+v after %d tries", a, p.asked.Load())
		}
	})
}

func TestOnlyTheCarrierIsAskedAndNobodyElseIsToldItsPassword(t *testing.T) {
	eachPost(t, func(p *post) {
		var told atomic.Int32
		stranger := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { told.Add(1) }))
		defer stranger.Close()
		p.answer = photoFor
		for _, address := range []string{stranger.URL + "/x", "http://169.254.169.254/latest", "file:///etc/passwd", "http://example.com/", p.carrier.URL + "@example.com/", ""} {
			if a := p.turn(p.brings(address)).Attachments[0]; a.State != bridge.Gone {
				p.Errorf("%s: %+v", address, a)
			}
		}
		if p.asked.Load() != 0 || told.Load() != 0 {
			p.Errorf("%d and %d requests", p.asked.Load(), told.Load())
		}
	})
}

func TestARedirectIsFollowedToPublicAddressesWithHTTPSAlone(t *testing.T) {
	eachPost(t, func(p *post) {
		var seen sync.Map
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen.Store("auth", r.Header.Get("Authorization")) }))
		defer other.Close()
		for _, to := range []string{other.URL, "https://10.0.0.1/", "https://192.168.1.1/", "https://[fd00::1]/", "https://169.254.169.254/", "https://100.64.0.1/"} {
			p.answer = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
			if a := p.turn(p.brings(p.carrier.URL + "/x")).Attachments[0]; a.State != bridge.Arriving || a.Attempts != 1 {
				p.Errorf("%s: %+v", to, a)
			}
		}
		if got, ok := seen.Load("auth"); ok {
			p.Errorf("plain HTTP elsewhere was asked, with %q", got)
		}
		p.answer = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/cdn" {
				photoFor(w, r)
			} else {
				http.Redirect(w, r, "/cdn", http.StatusFound)
			}
		}
		if a := p.turn(p.brings(p.carrier.URL + "/here")).Attachments[0]; a.State != bridge.Kept {
			p.Errorf("a redirect at the carrier itself: %+v", a)
		}
	})
}

func TestAFileWithoutEndIsLostAtTwentyFiveMegabytes(t *testing.T) {
	eachPost(t, func(p *post) {
		p.answer = func(w http.ResponseWriter, _ *http.Request) {
			for range 30 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}
		if a := p.turn(p.brings(p.carrier.URL + "/film")).Attachments[0]; a.State != bridge.Gone || !strings.Contains(a.Problem, "25 MB") {
			p.Errorf("%+v", a)
		}
	})
}

func TestWhatClaimsToBeAPhotoIsKeptAsWhatItIs(t *testing.T) {
	eachPost(t, func(p *post) {
		for want, body := range map[string][]byte{"html": picturetest.Page(), "bin": picturetest.Bomb(90_000, 90_000), "pdf": picturetest.PDF()} {
			p.answer = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "image/jpeg")
				w.Write(body)
			}
			a := p.turn(p.brings(p.carrier.URL + "/x")).Attachments[0]
			if a.State != bridge.Kept || a.Type != want || a.Image() || a.Thumb != "" {
				p.Errorf("%s: %+v", want, a)
			}
		}
	})
}

func TestTwoNodesFetchAFileOnce(t *testing.T) {
	eachPost(t, func(p *post) {
		p.answer = photoFor
		for n := range 8 {
			p.brings(fmt.Sprintf("%s/media/%d", p.carrier.URL, n))
		}
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if _, err := p.fetcher().Turn(p.Context()); err != nil {
					p.Error(err)
				}
			})
		}
		both.Wait()
		if p.asked.Load() != 8 {
			p.Errorf("%d requests for 8 files", p.asked.Load())
		}
	})
}

func TestASignedAddressIsForOneFileAndEnds(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		now := noon
		signer := func() *media.Signer {
			out, err := media.NewSigner(t.Context(), s, "https://example.com", func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		link := signer().Link(bridge.Attachment{ID: 12})
		token, ok := strings.CutPrefix(link, "https://example.com/media/")
		if !ok || len(token) > 40 {
			t.Fatalf("%s", link)
		}
		id, part, err := signer().Read(token) // another start of the program has the same key
		if id != 12 || part != media.ForDownload || err != nil {
			t.Errorf("%d %c %v", id, part, err)
		}
		for i := range token {
			wrong := []byte(token)
			if wrong[i]++; wrong[i] > 'z' {
				wrong[i] = 'A'
			}
			if _, _, err := signer().Read(string(wrong)); !errors.Is(err, bridge.ErrNotFound) {
				t.Errorf("%s: %v", wrong, err)
			}
		}
		for _, none := range []string{"", "x", strings.Repeat("A", 30), strings.Repeat("A", 5000)} {
			if _, _, err := signer().Read(none); !errors.Is(err, bridge.ErrNotFound) {
				t.Errorf("%.20s: %v", none, err)
			}
		}
		now = now.Add(31 * 24 * time.Hour)
		if _, _, err := signer().Read(token); !errors.Is(err, bridge.ErrExpired) {
			t.Errorf("after a month: %v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("bgG4n1oMI-0xVWZk")
	signer := &media.Signer{}
	f.Fuzz(func(t *testing.T, token string) {
		if _, _, err := signer.Read(token); !errors.Is(err, bridge.ErrNotFound) {
			t.Fatalf("%q was taken: %v", token, err)
		}
	})
}
