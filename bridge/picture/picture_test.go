package picture_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/image/webp"

	"porchlight/bridge/picture"
	"porchlight/bridge/picture/picturetest"
)

func office(t *testing.T, folder string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"[Content_Types].xml", "_rels/.rels", folder + "/document.xml"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte("<xml/>"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAFileIsWhatItsBytesSay(t *testing.T) {
	photo := picturetest.JPEG(picturetest.Plain(8, 8), 1)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"photo.jpg", photo, "jpg"}, {"photo.png", photo, "jpg"}, {"note.pdf", photo, "jpg"},
		{"x.png", picturetest.PNG(picturetest.Plain(8, 8)), "png"}, {"x.gif", picturetest.GIF(4, 4), "gif"}, {"x.webp", picturetest.WebP(), "webp"},
		{"IMG_1.HEIC", picturetest.HEIC(), "heic"}, {"quote.pdf", picturetest.PDF(), "pdf"},
		{"letter.docx", office(t, "word"), "docx"}, {"sums.xlsx", office(t, "xl"), "xlsx"}, {"stuff.docx", office(t, "stuff"), "zip"},
		{"old.doc", picturetest.OLE("WordDocument"), "doc"}, {"old.xls", picturetest.OLE("Workbook"), "xls"}, {"old.msi", picturetest.OLE("Something"), "ole"},
		{"notes.txt", []byte("two taps, one valve\n"), "txt"}, {"list.csv", []byte("a,b\n1,2\n"), "csv"}, {"list.CSV", []byte("only words"), "csv"},
		{"photo.jpg", picturetest.Page(), "html"}, {"logo.jpg", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), "svg"},
		{"run.jpg", append([]byte("MZ"), make([]byte, 200)...), "exe"}, {"x", []byte{0, 1, 2, 3}, "bin"},
	} {
		kind, err := picture.Sniff(bytes.NewReader(c.data), c.name)
		if err != nil || kind.Type != c.want {
			t.Errorf("%s: %+v, %v; want %s", c.name, kind, err, c.want)
		}
		if kind.Type == "html" && kind.Image() || kind.Type == "svg" && kind.Image() {
			t.Errorf("%s counts as a picture", c.name)
		}
	}
}

func clean(t *testing.T, data []byte, typ string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := picture.Clean(&b, bytes.NewReader(data), typ); err != nil {
		t.Fatalf("clean %s: %v", typ, err)
	}
	return b.Bytes()
}

func samples() map[string][]byte {
	return map[string][]byte{
		"jpg": picturetest.JPEG(picturetest.Image(40, 30), 6), "png": picturetest.PNG(picturetest.Image(40, 30)),
		"gif": picturetest.GIF(12, 9), "webp": picturetest.WebP(), "heic": picturetest.HEIC(),
	}
}

func TestThePlaceWhereAPhotoWasTakenIsTakenOut(t *testing.T) {
	for typ, data := range samples() {
		if !bytes.Contains(data, []byte(picturetest.Place)) {
			t.Fatalf("%s: the sample has no place", typ)
		}
		got := clean(t, data, typ)
		if bytes.Contains(got, []byte(picturetest.Place)) {
			t.Errorf("%s: the place is still there", typ)
		}
		if again := clean(t, got, typ); !bytes.Equal(again, got) {
			t.Errorf("%s: cleaning twice changes it again", typ)
		}
	}
}

func TestThePictureItselfStaysAsItWas(t *testing.T) {
	decode := map[string]func([]byte) (image.Image, error){
		"jpg":  func(b []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(b)) },
		"png":  func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) },
		"gif":  func(b []byte) (image.Image, error) { return gif.Decode(bytes.NewReader(b)) },
		"webp": func(b []byte) (image.Image, error) { return webp.Decode(bytes.NewReader(b)) },
	}
	for typ, read := range decode {
		was, err := read(samples()[typ])
		if err != nil {
			t.Fatalf("%s: the sample: %v", typ, err)
		}
		is, err := read(clean(t, samples()[typ], typ))
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		for y := range was.Bounds().Dy() {
			for x := range was.Bounds().Dx() {
				if was.At(x, y) != is.At(x, y) {
					t.Fatalf("%s: another colour at %d,%d", typ, x, y)
				}
			}
		}
	}
	if all, err := gif.DecodeAll(bytes.NewReader(clean(t, samples()["gif"], "gif"))); err != nil || len(all.Image) != 2 || all.LoopCount != 0 {
		t.Errorf("the film does not run as before: %v, %v", all, err)
	}
	if heic := clean(t, samples()["heic"], "heic"); len(heic) != len(samples()["heic"]) || !bytes.Contains(heic, []byte("pixels")) {
		t.Error("the HEIC has moved")
	}
}

func TestAPhotoThatWasTurnedStaysTurned(t *testing.T) {
	sideways := clean(t, picturetest.JPEG(picturetest.Image(40, 20), 6), "jpg")
	w, h, err := picture.Measure(bytes.NewReader(sideways), "jpg")
	if err != nil || w != 20 || h != 40 {
		t.Errorf("measured %d × %d, %v", w, h, err)
	}
	// Red is at the top left of what the camera stored; turned by 6 it is top right.
	for turn, want := range map[int]image.Point{1: {1, 1}, 2: {38, 1}, 3: {38, 18}, 4: {1, 18}, 5: {1, 1}, 6: {18, 1}, 7: {18, 38}, 8: {1, 38}} {
		thumb := open(t, picturetest.JPEG(picturetest.Image(40, 20), turn))
		b, err := thumb.Thumb()
		thumb.Close()
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if r, g, _, _ := img.At(want.X, want.Y).RGBA(); r>>8 < 200 || g>>8 > 90 {
			t.Errorf("turn %d: red is not at %v but %v", turn, want, img.At(want.X, want.Y))
		}
	}
}

func open(t *testing.T, data []byte) *picture.Picture {
	t.Helper()
	p, err := picture.NewDarkroom().Open(t.Context(), bytes.NewReader(data), "jpg")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPictureThatClaimsToBeHugeIsRefusedBeforeItIsUnpacked(t *testing.T) {
	for _, size := range [][2]uint32{{100_000, 100_000}, {1 << 30, 1 << 30}, {50_001, 1000}} {
		bomb := picturetest.Bomb(size[0], size[1])
		if _, _, err := picture.Measure(bytes.NewReader(bomb), "png"); !errors.Is(err, picture.ErrTooManyPixels) && !errors.Is(err, picture.ErrBroken) {
			t.Errorf("%v: measured, %v", size, err)
		}
		if _, err := picture.NewDarkroom().Open(t.Context(), bytes.NewReader(bomb), "png"); err == nil {
			t.Errorf("%v: decoded", size)
		}
	}
}

func TestASmallPictureFitsWhereItHasTo(t *testing.T) {
	p := open(t, picturetest.JPEG(picturetest.Image(1800, 1200), 1))
	defer p.Close()
	thumb, err := p.Thumb()
	if err != nil {
		t.Fatal(err)
	}
	if cfg, err := jpeg.DecodeConfig(bytes.NewReader(thumb)); err != nil || cfg.Width != 480 || cfg.Height != 320 {
		t.Errorf("the thumbnail is %d × %d, %v", cfg.Width, cfg.Height, err)
	}
	for _, limit := range []int{900_000, 200_000, 40_000} {
		b, err := p.Shrink(limit)
		if err != nil || len(b) > limit {
			t.Errorf("%d bytes for a limit of %d, %v", len(b), limit, err)
		}
	}
	if _, err := p.Shrink(100); !errors.Is(err, picture.ErrNotDecoded) {
		t.Errorf("noise in 100 bytes: %v", err)
	}
}

func TestALargePhotoIsMadeSmallInLittleMemory(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 6000, 4000))
	for i := range gray.Pix { // lines of one pixel, whose mean is grey
		gray.Pix[i] = uint8(i % 2 * 255)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, gray); err != nil {
		t.Fatal(err)
	}
	p, err := picture.NewDarkroom().Open(t.Context(), bytes.NewReader(file.Bytes()), "png")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	small, err := p.Shrink(900_000)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 80 {
		t.Errorf("%d MB for a picture of 24 million pixels", took)
	}
	img, err := jpeg.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if y, _, _, _ := img.At(1000, 700).RGBA(); img.Bounds().Dx() != 2048 || y>>8 < 90 || y>>8 > 165 {
		t.Errorf("%v, and what was grey from afar is %d", img.Bounds(), y>>8)
	}
}

func TestATransparentPictureStandsOnWhite(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 10, 10))); err != nil {
		t.Fatal(err)
	}
	p, err := picture.NewDarkroom().Open(t.Context(), bytes.NewReader(b.Bytes()), "png")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	thumb, err := p.Thumb()
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(thumb))
	if err != nil {
		t.Fatal(err)
	}
	if got := color.GrayModel.Convert(img.At(5, 5)).(color.Gray); got.Y < 250 {
		t.Errorf("it is %v", got)
	}
}

func TestManyPicturesAtOnceWaitForRoom(t *testing.T) {
	room := picture.NewDarkroom()
	data := picturetest.JPEG(picturetest.Plain(600, 400), 1)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			p, err := room.Open(t.Context(), bytes.NewReader(data), "jpg")
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Close()
			if _, err := p.Thumb(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestWhatIsCutOffIsRefusedOrMendedButNeverPassedOnWithItsPlace(t *testing.T) {
	for typ, data := range samples() {
		for n := range len(data) {
			var b bytes.Buffer
			err := picture.Clean(&b, bytes.NewReader(data[:n]), typ)
			if err == nil && typ != "heic" && bytes.Contains(b.Bytes(), []byte(picturetest.Place)) {
				t.Fatalf("%s cut at %d still has its place", typ, n)
			}
		}
	}
	if err := picture.Clean(&bytes.Buffer{}, strings.NewReader("no picture"), "pdf"); !errors.Is(err, picture.ErrNotDecoded) {
		t.Errorf("a PDF was cleaned: %v", err)
	}
}

// scans is a progressive JPEG of 12 million pixels that is gone over so often, each
// time without a word about any of them.
func scans(n int) []byte {
	out := []byte{0xFF, 0xD8, 0xFF, 0xC2, 0, 11, 8, 0x0B, 0xB8, 0x0F, 0xA0, 1, 1, 0x11, 0}
	out = append(out, append([]byte{0xFF, 0xC4, 0, 20, 0x10, 1}, append(make([]byte, 15), 0xE0)...)...)
	for range n {
		out = append(out, append([]byte{0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0}, make([]byte, 30)...)...)
	}
	return append(out, 0xFF, 0xD9)
}

func TestAPictureIsNotGoneOverForMinutes(t *testing.T) {
	if err := picture.Clean(&bytes.Buffer{}, bytes.NewReader(scans(10)), "jpg"); err != nil {
		t.Errorf("ten scans: %v", err)
	}
	if err := picture.Clean(&bytes.Buffer{}, bytes.NewReader(scans(200)), "jpg"); !errors.Is(err, picture.ErrBroken) {
		t.Errorf("200 scans: %v", err)
	}
}

func TestATableOfContentsIsNotReadForMinutes(t *testing.T) {
	box := func(name string, body []byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), name...), body...)
	}
	const items = 100_000
	iloc := append([]byte{2, 0, 0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, items)...)
	iloc = append(iloc, bytes.Repeat([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0xFF, 0xFF}, items)...)
	file := append(box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), box("meta", append(make([]byte, 4), box("iloc", iloc)...))...)
	began := time.Now()
	if err := picture.Clean(&bytes.Buffer{}, bytes.NewReader(file), "heic"); !errors.Is(err, picture.ErrBroken) || time.Since(began) > time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func FuzzClean(f *testing.F) {
	for typ, data := range samples() {
		f.Add(typ, data)
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		var once, twice bytes.Buffer
		if picture.Clean(&once, bytes.NewReader(data), typ) != nil {
			return
		}
		if once.Len() > len(data)+64 {
			t.Fatalf("%d bytes became %d", len(data), once.Len())
		}
		if err := picture.Clean(&twice, bytes.NewReader(once.Bytes()), typ); err != nil {
			t.Fatalf("what was cleaned cannot be cleaned: %v", err)
		}
		if !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatal("cleaning twice changes it again")
		}
	})
}

func FuzzSniff(f *testing.F) {
	for _, data := range samples() {
		f.Add("x", data)
	}
	f.Add("a.doc", picturetest.OLE("WordDocument"))
	f.Add("a.csv", []byte("a,b"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		kind, err := picture.Sniff(bytes.NewReader(data), name)
		if err != nil || kind.Type == "" || kind.ContentType == "" {
			t.Fatalf("%+v, %v", kind, err)
		}
		if kind.Image() {
			if w, h, err := picture.Measure(bytes.NewReader(data), kind.Type); err == nil && (w <= 0 || h <= 0 || w*h > picture.MaxPixels) {
				t.Fatalf("%d × %d", w, h)
			}
		}
	})
}
