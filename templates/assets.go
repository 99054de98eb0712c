package templates

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// AssetPrefix is where Assets must be mounted.
const AssetPrefix = "/assets/"

// assets is every static file in memory, plain and compressed once.
//
// One hash names the whole tree, so that modules import each other by relative
// paths and each address can be kept for ever by browsers.
type assets struct {
	hash    string
	files   map[string]asset
	symbols map[string]string // of icons.svg, by name
}

type asset struct {
	kind        string // content type
	plain, gzip []byte
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
		if plain, err = included(fsys, name, plain); err != nil {
			return err
		}
		if path.Ext(name) == ".js" {
			plain = comment.ReplaceAll(plain, nil)
		}
		for _, m := range symbol.FindAllSubmatch(plain, -1) {
			a.symbols[string(m[1])] = string(m[2])
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s: no content type for this kind of file", name)
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(plain))
		sum.Write(plain)
		a.files[strings.TrimPrefix(name, "assets/")] = asset{kind, plain, compress(plain)}
		return nil
	})
	a.hash = hex.EncodeToString(sum.Sum(nil))[:12]
	return a, err
}

var (
	symbol = regexp.MustCompile(`(?s)<symbol id="([a-z]+)"[^>]*>(.*?)</symbol>`)
	// comment is a whole line of a module; readers of the source have them, browsers
	// on slow lines need not.
	comment = regexp.MustCompile(`(?m)^ *(//.*|/\* .* \*/)\n`)
	imp     = regexp.MustCompile(`(?m)^@import "([a-z.]+)";$`)
)

// included puts the style sheets that one imports in its place: each would be one
// more request before anything is shown.
func included(fsys fs.FS, name string, plain []byte) (out []byte, err error) {
	if path.Ext(name) != ".css" {
		return plain, nil
	}
	out = imp.ReplaceAllFunc(plain, func(line []byte) []byte {
		other, readErr := fs.ReadFile(fsys, path.Join(path.Dir(name), string(imp.FindSubmatch(line)[1])))
		err = errors.Join(err, readErr)
		return other
	})
	return out, err
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
		if acceptsGzip(r.Header.Get("Accept-Encoding")) && len(f.gzip) < len(f.plain) {
			h.Set("Content-Encoding", "gzip")
			body = f.gzip
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
