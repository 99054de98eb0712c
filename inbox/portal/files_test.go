package portal_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"porchlight/bridge/intake"
	"porchlight/bridge/picture/picturetest"
)

// upload is a form with files, as a browser without a script sends it.
func upload(fields url.Values, files map[string][]byte) (*bytes.Buffer, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, vs := range fields {
		for _, v := range vs {
			w.WriteField(k, v)
		}
	}
	for name, content := range files {
		part, _ := w.CreateFormFile("files", name)
		io.Copy(part, bytes.NewReader(content))
	}
	w.Close()
	return &b, w.FormDataContentType()
}

func (v *visitor) send(path string, fields url.Values, files map[string][]byte, headers ...string) *httptest.ResponseRecorder {
	v.Helper()
	b, kind := upload(fields, files)
	r := httptest.NewRequest("POST", path, b)
	r.Header.Set("Content-Type", kind)
	return v.ask(r, headers...)
}

var fileID = regexp.MustCompile(`data-file="(\d+)"`)

func TestS3_11_12_13_PhotosGoWithAMessageAndOnlyTheirReadersLoadThem(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya, tom := h.as(h.priya), h.as(h.tom)
		photo := picturetest.JPEG(picturetest.Image(80, 60), 1)
		has(t, priya.want(200, priya.get(h.url(h.conv))), "Up to 5 photos: JPG, PNG, at most 10 MB each.", `accept=".jpg,.jpeg,.png`, `enctype="multipart/form-data"`)

		// Sent up beforehand, as the script does.
		up := priya.want(200, priya.send(h.url(h.conv)+"/files", url.Values{"client": {"u1"}}, map[string][]byte{"tap.jpg": photo}, "X-Fragment", "1"))
		id := fileID.FindStringSubmatch(up)
		if id == nil {
			t.Fatal(up)
		}
		has(t, up, "tap.jpg", `data-off="/portal/file/`+id[1]+`/off"`)
		path := "/portal/file/" + id[1]
		priya.want(200, priya.get(path+"/thumb"))
		tom.want(404, tom.get(path))
		tom.want(422, tom.post(h.url(h.others)+"/reply", url.Values{"file": {id[1]}, "client": {"t"}})) // not his
		priya.want(303, priya.post(h.url(h.conv)+"/reply", url.Values{"file": {id[1]}, "client": {"p1"}}))
		has(t, priya.want(200, priya.get(h.url(h.conv))), `src="`+path+`/thumb"`)
		if w := priya.get(path); w.Code != 200 || w.Header().Get("Content-Type") != "image/jpeg" || !strings.Contains(w.Header().Get("Content-Disposition"), "tap.jpg") {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		tom.want(404, tom.get(path))
		(&visitor{house: h}).want(303, (&visitor{house: h}).get(path))

		// With the form, as a browser without a script does; what is wrong with one is said, and the rest stays.
		priya.want(303, priya.send(h.url(h.conv)+"/reply", url.Values{"client": {"p2"}, "body": {"And the gauge"}}, map[string][]byte{"gauge.png": picturetest.PNG(picturetest.Plain(40, 40))}))
		page := priya.want(422, priya.send(h.url(h.conv)+"/reply", url.Values{"client": {"p3"}, "body": {"A page"}}, map[string][]byte{"page.jpg": picturetest.Page()}))
		has(t, page, "Files of this type are not taken here.", "A page</textarea>", `role="alert"`)
		if ms := h.messages(h.conv); len(ms) != 3 || len(ms[1].Attachments) != 1 || len(ms[2].Attachments) != 1 || ms[2].Body != "And the gauge" {
			t.Errorf("%+v", ms)
		}
		has(t, priya.want(200, priya.get("/portal/messages")), "You: And the gauge")

		// Taken off again.
		up = priya.want(200, priya.send("/portal/new/files", url.Values{"client": {"u2"}, "about": {"customer:0"}}, map[string][]byte{"no.jpg": photo}, "X-Fragment", "1"))
		id = fileID.FindStringSubmatch(up)
		tom.post("/portal/file/"+id[1]+"/off", nil)
		priya.want(200, priya.get("/portal/file/"+id[1]))
		priya.want(204, priya.post("/portal/file/"+id[1]+"/off", nil))
		priya.want(404, priya.get("/portal/file/"+id[1]))
		priya.want(403, priya.send("/portal/new/files", url.Values{"about": {"job:7"}}, map[string][]byte{"no.jpg": photo}, "X-Fragment", "1"))
	})
}

func TestNewMessageCarriesItsFiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		has(t, priya.want(200, priya.get("/portal/new")), `name="about" value="customer:0"`, `type="file"`, "Up to 5 photos")
		w := priya.send("/portal/new", url.Values{"client": {"n"}, "about": {"customer:0"}, "body": {"Two of them"}},
			map[string][]byte{"a.jpg": picturetest.JPEG(picturetest.Image(80, 60), 1), "b.png": picturetest.PNG(picturetest.Plain(30, 30))})
		if w.Code != 303 || w.Header().Get("Location") != h.url(h.conv) {
			t.Fatalf("%d to %s: %s", w.Code, w.Header().Get("Location"), w.Body)
		}
		if ms := h.messages(h.conv); len(ms) != 2 || len(ms[1].Attachments) != 2 {
			t.Errorf("%+v", ms)
		}
		has(t, priya.want(422, priya.send("/portal/new", url.Values{"client": {"n2"}, "about": {"customer:0"}}, nil)), "Write something first.")
	})
}

func TestSearchFindsInTheirOwnConversationsAndOpensThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 130 {
			h.text("+14155550134", fmt.Sprintf("line %03d", i))
		}
		h.says(h.conv, "The valve is <b>ordered</b>")
		h.text("+14155550155", "valve of Tom")
		if _, err := h.in.Note(t.Context(), h.sam, intake.Draft{Conversation: h.conv, Body: "valve secretnote"}); err != nil {
			t.Fatal(err)
		}
		if err := h.store.CatchUpSearch(t.Context()); err != nil {
			t.Fatal(err)
		}
		priya := h.as(h.priya)
		find := func(q url.Values) string {
			t.Helper()
			return priya.want(200, priya.get("/portal/search?"+q.Encode()))
		}
		page := find(url.Values{"q": {"valve"}})
		has(t, page, "<mark>valve</mark>", "&lt;b&gt;", "Sam: ")
		hasNot(t, page, "of Tom", "secretnote")
		has(t, find(url.Values{"q": {"valve"}, "from": {"Priya"}}), "Nothing was found")
		has(t, find(url.Values{"q": {"valve"}, "until": {h.now.AddDate(0, 0, -2).Format(time.DateOnly)}}), "Nothing was found")
		has(t, find(url.Values{"q": {"line"}, "after": {h.now.AddDate(0, 0, -2).Format(time.DateOnly)}}), "line</mark> 129", "/portal/search?after=")
		hasNot(t, find(nil), "Nothing was found")

		href := regexp.MustCompile(`href="(/portal/c/\d+\?at=(\d+))#m-`).FindStringSubmatch(find(url.Values{"q": {`"line 060"`}}))
		if href == nil {
			t.Fatal("not found")
		}
		page = priya.want(200, priya.get(href[1]))
		has(t, page, `id="m-`+href[2]+`"`, "line 060", "line 040", "line 080", "Earlier messages", "Later messages", "data-past")
		hasNot(t, page, "line 000", "line 129")
		next := href[1]
		for range 4 {
			m := regexp.MustCompile(`href="(/portal/c/\d+\?after=\d+)"`).FindStringSubmatch(page)
			if m == nil {
				break
			}
			next, page = m[1], priya.want(200, priya.get(m[1]))
		}
		if !strings.Contains(page, "The valve is") || strings.Contains(page, "data-past") {
			t.Errorf("%s is not the newest end", next)
		}
	})
}
