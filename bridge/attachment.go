package bridge

import (
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// AttachmentID names an Attachment in the store.
type AttachmentID int64

// AttachmentState says whether a file is there.
type AttachmentState string

const (
	Loading  AttachmentState = "loading" // its bytes are on their way into the blob store
	Kept     AttachmentState = "kept"
	Arriving AttachmentState = "arriving" // the carrier has it, and it is being fetched
	Gone     AttachmentState = "lost"     // it could not be fetched, and will not be
)

// An Attachment is a file of a message. Its bytes are in the blob store.
type Attachment struct {
	ID      AttachmentID
	Message MessageID // 0 while it is uploaded and not sent
	N       int       // its place in the message
	// Uploader is whose it is until it is sent: staff:3, contact:12, or the channel
	// of the carrier that brought it.
	Uploader string
	Name     string // as people know it; see CleanFileName
	// Type is the extension in lower case without the dot, as found in the file;
	// ContentType is the media type of the same.
	Type, ContentType string
	Size              int64 // bytes
	Width, Height     int   // pixels of an image, else 0
	// Blob, Thumb and Small are keys in the blob store. Thumb is the picture that
	// pages show, empty where there is none. Small is a JPEG of at most MaxMMS bytes
	// that is given to a carrier; it is empty where the file itself is given.
	Blob, Thumb, Small string
	State              AttachmentState
	Source             string // where the carrier has it
	Problem            string // why it did not arrive, in words without a final full stop
	CreatedAt          time.Time
	// Attempts is how often somebody tried to fetch it.
	Attempts int
}

// Uploader names whose an upload is until it is sent.
func (a Actor) Uploader() string { return string(a.Kind) + ":" + strconv.FormatInt(a.ID, 10) }

const (
	// MaxMMS is the largest picture that is given to a carrier, in bytes, and MostMMS
	// how many go with one text: together they stay under the 5 MB that carriers
	// take, with 500 KB to spare. Phones are shown no more of a larger one.
	MaxMMS  = 900_000
	MostMMS = 5
)

// ForText divides the files of a message that goes to a phone as a text: pictures
// that go along, and the rest, of which the text has links. Only the United States,
// Canada and Australia have picture messages.
func ForText(files []Attachment, to string) (along, linked []Attachment) {
	takes := strings.HasPrefix(to, "+1") || strings.HasPrefix(to, "+61")
	for _, f := range files {
		own := f.Size <= MaxMMS && (f.Type == "jpg" || f.Type == "png" || f.Type == "gif")
		if takes && len(along) < MostMMS && (own || f.Small != "") {
			along = append(along, f)
		} else {
			linked = append(linked, f)
		}
	}
	return along, linked
}

// Image reports whether browsers show it as a picture.
func (a Attachment) Image() bool {
	switch a.Type {
	case "jpg", "jpeg", "png", "gif", "webp":
		return true
	}
	return false
}

// Photo reports whether people call it a photo: an image, or one that is still to
// come by a carrier that says so.
func (a Attachment) Photo() bool {
	return a.Image() || a.Type == "heic" || strings.HasPrefix(a.ContentType, "image/")
}

// maxFileName bounds the name of a file, in bytes: what common file systems take,
// with room for " (2)".
const maxFileName = 200

// CleanFileName makes of a name that somebody sent one that is safe to show, to
// store and to save a file under: no folders, no control or direction characters,
// not hidden.
func CleanFileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "_"), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		case strings.ContainsRune(`<>:"/|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ". ")
	for len(name) > maxFileName { // keeps the ending, by which people know a file
		ext := path.Ext(name)
		stem := strings.TrimSuffix(name, ext)
		if len(ext) > 20 || stem == "" {
			stem, ext = name, ""
		}
		_, size := utf8.DecodeLastRuneInString(stem)
		name = stem[:len(stem)-size] + ext
	}
	if name == "" {
		return "file"
	}
	return name
}

// Megabytes is a size for people: "820 KB", "4.5 MB".
func Megabytes(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " bytes"
	case n < 1<<20:
		return strconv.FormatInt((n+512)>>10, 10) + " KB"
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64), ".0") + " MB"
}
