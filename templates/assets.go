package templates

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// AssetPrefix is where Assets must be mounted.
const AssetPrefix = "/assets/"

// assets is every static file in memory, compressed once, when it is first asked for.
//
// One hash names the whole tree, so that modules import each other by relative
// paths and each address can be kept for ever by browsers.
type assets struct {
	hash    string
	files   map[string]asset
	symbols map[string]string // of icons.svg, by name
}

type asset struct {
	kind  string // content type
	plain []byte
	gzip  func() []byte
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
}

func readAssets(fsys fs.FS) (assets, error) {
	a := assets{files: map[string]asset{}, symbols: map[string]string{}}
	sum := sha256.New()
	err := fs.WalkDir(fsys, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		plain, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		switch path.Ext(name) {
		case ".css":
			plain, err = included(fsys, path.Dir(name), plain)
		case ".js":
			plain = uncommented(plain)
		case ".svg":
			for _, m := range symbol.FindAllSubmatch(plain, -1) {
				a.symbols[string(m[1])] = string(m[2])
			}
		}
		kind, ok := kinds[path.Ext(name)]
		if err != nil {
			return err
		} else if !ok {
			return fmt.Errorf("%s: no content type for this kind of file", name)
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(plain))
		sum.Write(plain)
		a.files[strings.TrimPrefix(name, "assets/")] = asset{kind, plain, sync.OnceValue(func() []byte { return compress(plain) })}
		return nil
	})
	a.hash = hex.EncodeToString(sum.Sum(nil))[:12]
	return a, err
}

var symbol = regexp.MustCompile(`(?s)<symbol id="([a-z]+)"[^>]*>(.*?)</symbol>`)

// uncommented leaves out the lines of a module that are comments: readers of the source
// have them, browsers on slow lines need not.
func uncommented(plain []byte) []byte {
	out := make([]byte, 0, len(plain))
	for line := range bytes.Lines(plain) {
		words := bytes.TrimSpace(line)
		if bytes.HasPrefix(words, []byte("//")) || bytes.HasPrefix(words, []byte("/* ")) && bytes.HasSuffix(words, []byte(" */")) {
			continue
		}
		out = append(out, line...)
	}
	return out
}

// included puts the style sheets that one imports in its place: each would be one
// more request before anything is shown.
func included(fsys fs.FS, dir string, plain []byte) (out []byte, err error) {
	for line := range bytes.Lines(plain) {
		if name, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte(`@import "`)); ok {
			if line, err = fs.ReadFile(fsys, path.Join(dir, string(bytes.TrimSuffix(name, []byte(`";`))))); err != nil {
				return nil, err
			}
		}
		out = append(out, line...)
	}
	return out, nil
}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(plain)
	w.Close()
	return b.Bytes()
}

// URL is the address of an asset, such as "js/staff.js". It panics on a name
// that is not there, which a test that renders every page finds.
func (s *Set) URL(name string) string {
	if _, ok := s.assets.files[name]; !ok {
		panic("templates: there is no asset " + name)
	}
	return AssetPrefix + s.assets.hash + "/" + name
}

// Assets serves what URL names, to be kept for a year. An address with another
// hash belongs to another version and is not found.
func (s *Set) Assets() http.Handler {
	prefix := AssetPrefix + s.assets.hash + "/"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, prefix)
		f, found := s.assets.files[name]
		if !ok || !found {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Encoding")
		body := f.plain
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			if gz := f.gzip(); len(gz) < len(body) {
				h.Set("Content-Encoding", "gzip")
				body = gz
			}
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			w.Write(body)
		}
	})
}

// acceptsGzip reads Accept-Encoding as far as it matters: gzip;q=0 is a refusal.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q = strings.ReplaceAll(q, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
