package inbox_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/media"
	"porchlight/bridge/picture/picturetest"
	"porchlight/data"
	"porchlight/data/blobs"
)

// shelves are where the office keeps files.
func shelves(t *testing.T, s *data.Store) (*blobs.Folder, *media.Shelf, *media.Signer) {
	t.Helper()
	kept, err := blobs.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	shelf, err := media.NewShelf(kept, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := media.NewSigner(t.Context(), s, "https://texts.example.com", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return kept, shelf, signer
}

// A part is a field of a form, or a file where it has a name.
type part struct{ field, name, body string }

func form(parts ...part) (contentType string, body *bytes.Buffer) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, p := range parts {
		if p.name == "" {
			_ = w.WriteField(p.field, p.body) // into memory
			continue
		}
		to, _ := w.CreateFormFile(p.field, p.name)
		io.WriteString(to, p.body)
	}
	w.Close()
	return w.FormDataContentType(), body
}

func (b *browser) send(path string, fragment bool, parts ...part) (*http.Response, string) {
	b.Helper()
	kind, body := form(parts...)
	r, err := http.NewRequest(http.MethodPost, b.url+path, body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	if fragment {
		r.Header.Set("X-Fragment", "1")
	}
	return b.do(r)
}

var (
	tap      = string(picturetest.JPEG(picturetest.Plain(80, 60), 1))
	filePart = regexp.MustCompile(`data-file="(\d+)"`)
)

// attach is an upload as the page's script makes it; it gives the file's id.
func (b *browser) attach(name, body string) string {
	b.Helper()
	r, html := b.send(b.page("/files"), true, part{"client", "", name}, part{"files", name, body})
	id := filePart.FindStringSubmatch(html)
	if r.StatusCode != 200 || id == nil {
		b.Fatalf("%s: %d %s", name, r.StatusCode, html)
	}
	return id[1]
}

func (f *office) last() (m bridge.Message) {
	f.Helper()
	f.read(func(tx *data.Tx) error {
		ms, err := tx.Messages(f.conv, 0, 1)
		m = ms[0]
		return err
	})
	return m
}

func TestS0_16_19_21_APhotoGoesUpWhileOneWrites(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		_, page := b.get(b.page(""))
		if at, text := strings.Index(page, `type="file"`), strings.Index(page, "<textarea"); at < 0 || at > text || !strings.Contains(page, `accept=".jpg,.jpeg,.png`) {
			t.Error("there is no way to attach a photo left of the text")
		}
		r, html := b.send(b.page("/files"), true, part{"client", "", "k"}, part{"files", "kitchen <tap>.png", tap})
		if r.StatusCode != 200 || !strings.Contains(html, "kitchen _tap_.jpg") || !strings.Contains(html, "/thumb") || !strings.Contains(html, "bytes") || !strings.Contains(html, "data-off") {
			t.Errorf("%d %s", r.StatusCode, html)
		}
		keep, off := b.attach("a.jpg", tap), b.attach("b.jpg", tap)
		if r, _ := b.post("/inbox/file/"+off+"/off", nil); r.StatusCode != 204 {
			t.Errorf("taken off: %d", r.StatusCode)
		}
		if r, _ := b.get("/inbox/file/" + off); r.StatusCode != 404 {
			t.Errorf("it is still there: %d", r.StatusCode)
		}
		for range 2 { // a double tap
			if r, text := b.send(b.page("/reply"), true, part{"client", "", "once"}, part{"channel", "", "reply"}, part{"body", "", "See"}, part{"file", "", keep}); r.StatusCode >= 300 {
				t.Errorf("sent: %d %s", r.StatusCode, text)
			}
		}
		if m := f.last(); m.Body != "See" || len(m.Attachments) != 1 || m.Attachments[0].Name != "a.jpg" {
			t.Errorf("%+v", m)
		}
		if _, page := b.get(b.page("")); !strings.Contains(page, `src="/inbox/file/`+keep+`/thumb"`) || strings.Count(page, "/inbox/file/"+keep+"/thumb") != 1 {
			t.Error("the conversation does not show it once")
		}
	})
}

func TestWithoutAScriptTheFormCarriesItsFiles(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		fields := []part{{"client", "", "plain"}, {"channel", "", "reply"}, {"body", "", "Both"}, {"seen", "", "0"}}
		r, page := b.send(b.page("/reply"), false, append(fields, part{"files", "good.jpg", tap}, part{"files", "bad.jpg", string(picturetest.Page())})...)
		if r.StatusCode != 422 || !strings.Contains(page, "not taken here") || !strings.Contains(page, "Both</textarea>") || !strings.Contains(page, "good.jpg") {
			t.Errorf("one of two is a page: %d", r.StatusCode)
		}
		id := filePart.FindStringSubmatch(page)
		if id == nil {
			t.Fatal("the good one is not in the form any more")
		}
		if r, _ := b.send(b.page("/reply"), false, append(fields, part{"file", "", id[1]}, part{"files", "second.jpg", tap})...); r.StatusCode != 303 {
			t.Errorf("sent: %d", r.StatusCode)
		}
		if m := f.last(); m.Body != "Both" || len(m.Attachments) != 2 || m.Attachments[1].Name != "second.jpg" {
			t.Errorf("%+v", m)
		}
	})
}

func TestWhatIsWrongWithAFileIsSaidAndNothingTypedIsLost(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	for words, body := range map[string]string{
		"not taken here": string(picturetest.Page()), "50 million": string(picturetest.Bomb(60_000, 60_000)), "larger than the 10 MB": tap + strings.Repeat("x", 10<<20), "empty": "",
	} {
		if r, text := b.send(b.page("/files"), true, part{"files", "x.jpg", body}); r.StatusCode < 400 || r.StatusCode >= 500 || !strings.Contains(text, words) {
			t.Errorf("%s: %d %s", words, r.StatusCode, text)
		}
	}
	if r, text := b.send(b.page("/files"), true, part{"client", "", "x"}); r.StatusCode != 422 {
		t.Errorf("no file: %d %s", r.StatusCode, text)
	}
	if r, html := b.send(b.page("/reply"), true, part{"channel", "", "reply"}, part{"body", "", "typed"}, part{"file", "", "99999"}); r.StatusCode != 422 || !strings.Contains(html, "typed</textarea>") {
		t.Errorf("a file that is not there: %d %s", r.StatusCode, html)
	}
}

func TestAFileIsAsPrivateAsItsConversation(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		sam, jo := f.signedIn("sam@example.com"), f.signedIn("jo@example.com")
		id := sam.attach("a.jpg", tap)
		see := func(b *browser, want int) {
			t.Helper()
			for _, path := range []string{"/inbox/file/" + id, "/inbox/file/" + id + "/thumb"} {
				if r, _ := b.get(path); r.StatusCode != want {
					t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
				}
			}
		}
		see(sam, 200)
		see(jo, 404) // it is Sam's alone until it is sent
		see(f.browser(), 303)
		jo.post("/inbox/file/"+id+"/off", nil)
		see(sam, 200)
		sam.send(sam.page("/reply"), true, part{"channel", "", "note"}, part{"body", "", "for us"}, part{"file", "", id})
		see(jo, 404) // an apprentice sees their own jobs only
		if err := f.store.Write(t.Context(), func(tx *data.Tx) error { return tx.Assign(f.conv, f.jo.ID) }); err != nil {
			t.Fatal(err)
		}
		see(jo, 200)
	})
}

func TestS3_32_ADownloadHasItsNameAndRunsNothing(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.settings(func(s *bridge.Settings) {
		p := s.Policy(bridge.KindCustomer)
		p.Files.Types = append(p.Files.Types, "pdf", "html")
	})
	b := f.signedIn("sam@example.com")
	for name, body := range map[string]string{"Größe & Maß.jpg": tap, "quote 7.pdf": string(picturetest.PDF()), "page.html": string(picturetest.Page())} {
		r, got := b.get("/inbox/file/" + b.attach(name, body))
		how, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
		if err != nil || params["filename"] != name || (how == "inline") != strings.HasSuffix(name, ".jpg") {
			t.Errorf("%s: %q, %v", name, r.Header.Get("Content-Disposition"), err)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(r.Header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %v", name, r.Header)
		}
		if name == "page.html" && r.Header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("a page is served as %s", r.Header.Get("Content-Type"))
		}
		if r, half := b.get(r.Request.URL.Path, "Range", "bytes=2-5"); r.StatusCode != 206 || half != got[2:6] {
			t.Errorf("%s in parts: %d %q", name, r.StatusCode, half)
		}
	}
}

func TestASignedAddressOpensOneFileForAnybodyUntilItEnds(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		id := f.signedIn("sam@example.com").attach("a.jpg", tap)
		var n bridge.AttachmentID
		fmt.Sscan(id, &n)
		path := strings.TrimPrefix(f.signer.Link(bridge.Attachment{ID: n}), "https://texts.example.com")
		stranger := f.browser()
		if r, body := stranger.get(path); r.StatusCode != 200 || len(body) == 0 || r.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%d %s", r.StatusCode, body)
		}
		req, _ := http.NewRequest(http.MethodHead, f.url+path, nil)
		if r, body := stranger.do(req); r.StatusCode != 200 || body != "" || r.ContentLength <= 0 {
			t.Errorf("HEAD: %d, %d bytes", r.StatusCode, r.ContentLength)
		}
		for _, wrong := range []string{path[:len(path)-1], path + "A", "/media/x", "/media/"} {
			if r, _ := stranger.get(wrong); r.StatusCode != 404 {
				t.Errorf("%s: %d", wrong, r.StatusCode)
			}
		}
	})
}

func TestASlowPhoneIsNotCutOffInTheMiddleOfAPhoto(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	kind, body := form(part{"client", "", "slow"}, part{"files", "slow.jpg", tap})
	whole := body.Bytes()
	out, in := io.Pipe()
	f.fresh()
	done := make(chan string)
	go func() {
		r, _ := http.NewRequest(http.MethodPost, f.url+b.page("/files"), out)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Fragment", "1")
		res, err := b.c.Do(r)
		if err != nil {
			done <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		done <- fmt.Sprint(res.StatusCode, " ", string(text))
	}()
	in.Write(whole[:len(whole)/2])
	f.inside()
	// Meanwhile a form without files that stalls is cut off by the server's own limit.
	stall, stalled := io.Pipe()
	r, _ := http.NewRequest(http.MethodPost, f.url+"/login", stall)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if res, err := f.browser().c.Do(r); err == nil {
		res.Body.Close()
	}
	stalled.Close()
	in.Write(whole[len(whole)/2:])
	in.Close()
	if got := <-done; !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "slow.jpg") {
		t.Error(got)
	}
}
