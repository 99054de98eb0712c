package intake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/media"
	"porchlight/bridge/picture/picturetest"
	"porchlight/bridge/routine"
	"porchlight/data"
	"porchlight/data/blobs"
)

// A yard is an office that takes files.
type yard struct {
	*office
	folder string
	blobs  *blobs.Folder
	keys   int
}

func eachYard(t *testing.T, test func(*yard)) {
	t.Helper()
	eachOffice(t, func(o *office) {
		y := &yard{office: o, folder: filepath.Join(o.TempDir(), "blobs")}
		var err error
		if y.blobs, err = blobs.OpenFolder(y.folder); err != nil {
			o.Fatal(err)
		}
		o.Cleanup(func() { y.blobs.Close() })
		shelf, err := media.NewShelf(y.blobs, o.TempDir())
		if err != nil {
			o.Fatal(err)
		}
		o.Intake.Shelf = shelf
		o.Intake.Link = func(a bridge.Attachment) string { return fmt.Sprintf("https://example.com/media/%d", a.ID) }
		test(y)
	})
}

func (y *yard) rule(k bridge.Kind) bridge.Files {
	p := bridge.NewPolicy(k)
	return p.Files
}

func (y *yard) upload(who bridge.Staff, name string, data []byte, rule bridge.Files) (bridge.Attachment, error) {
	y.keys++
	return y.Upload(y.Context(), who.Actor(), intake.Upload{Name: name, Body: bytes.NewReader(data), Client: fmt.Sprint("key", y.keys)}, rule)
}

// attaches is an upload that is taken.
func (y *yard) attaches(who bridge.Staff, name string, data []byte, rule bridge.Files) bridge.AttachmentID {
	y.Helper()
	a, err := y.upload(who, name, data, rule)
	if err != nil {
		y.Fatalf("%s: %v", name, err)
	}
	return a.ID
}

// stored counts the files on disk.
func (y *yard) stored() (n int) {
	y.Helper()
	err := filepath.WalkDir(y.folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		y.Fatal(err)
	}
	return n
}

// handyman begins a conversation with a partner's handyman.
func (y *yard) handyman() bridge.ConversationID {
	y.Helper()
	var id bridge.ContactID
	y.write(func(tx *data.Tx) error {
		if _, err := tx.PutLine(bridge.Line{Phone: ourLine, Name: "Main", Active: true}); err != nil {
			return err
		}
		c, err := tx.AddContact(bridge.Contact{Name: "Ada Fix", Side: bridge.Handyman, Addresses: []bridge.Address{{Channel: bridge.SMS, Value: "+14155550120", Answerable: true}}}, noon)
		id = c.ID
		if err != nil {
			return err
		}
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		s.PortalOn = true
		return tx.PutSettings(s)
	})
	conv, err := y.Start(y.Context(), y.sam, intake.Start{Kind: bridge.KindPartner, Contact: id})
	y.must(err)
	return conv
}

var photo = picturetest.JPEG(picturetest.Plain(64, 48), 6)

func TestS0_15_20_APhotoIsSentWithoutWords(t *testing.T) {
	eachYard(t, func(y *yard) {
		r := y.text(priya, "Can you show me the part?")
		id := y.attaches(y.sam, "part.JPEG", photo, y.rule(bridge.KindCustomer))
		m, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, Files: []bridge.AttachmentID{id}})
		y.must(err)
		got := y.messages(r.Conversation)[1]
		if len(got.Attachments) != 1 || got.Attachments[0].ID != id || got.Attachments[0].Name != "part.JPEG" || got.Attachments[0].Message != m.ID {
			y.Fatalf("%+v", got.Attachments)
		}
		a := got.Attachments[0]
		if a.Type != "jpg" || a.Width != 48 || a.Height != 64 || a.Thumb == "" {
			y.Errorf("%+v", a)
		}
		if len(m.Deliveries) != 1 || !m.Deliveries[0].Media || m.Deliveries[0].Body != "" {
			y.Errorf("%+v", m.Deliveries)
		}
		if c := y.row(r.Conversation); c.Preview != "Photo" {
			y.Errorf("the list says %q", c.Preview)
		}
	})
}

func TestThePlaceOfAPhotoNeverReachesTheStore(t *testing.T) {
	eachYard(t, func(y *yard) {
		a, err := y.upload(y.sam, "x.jpg", photo, y.rule(bridge.KindCustomer))
		y.must(err)
		for _, key := range []string{a.Blob, a.Thumb} {
			r, err := y.blobs.Open(y.Context(), key)
			y.must(err)
			b, err := io.ReadAll(r)
			y.must(errors.Join(err, r.Close()))
			if bytes.Contains(b, []byte(picturetest.Place)) || len(b) == 0 {
				y.Errorf("%d bytes, with the place", len(b))
			}
		}
	})
}

func TestS0_17_18_OnlyPicturesOfAtMostTenMegabytes(t *testing.T) {
	eachYard(t, func(y *yard) {
		rule := y.rule(bridge.KindPartner)
		for name, data := range map[string][]byte{"a.jpg": photo, "b.png": picturetest.PNG(picturetest.Plain(9, 9)), "c.gif": picturetest.GIF(9, 9), "d.webp": picturetest.WebP(), "e.heic": picturetest.HEIC()} {
			y.attaches(y.sam, name, data, rule)
		}
		kept := y.stored()
		for name, data := range map[string][]byte{"photo.jpg": picturetest.Page(), "photo.png": picturetest.PDF(), "notes.txt": []byte("hello"), "x.jpg": []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")} {
			_, err := y.upload(y.sam, name, data, rule)
			y.denied(err, "file_type")
		}
		_, err := y.upload(y.sam, "big.jpg", append(bytes.Clone(photo), make([]byte, 10<<20)...), rule)
		y.denied(err, "file_too_large")
		_, err = y.upload(y.sam, "bomb.png", picturetest.Bomb(40_000, 40_000), rule)
		y.invalid(err, "file")
		_, err = y.upload(y.sam, "empty.jpg", nil, rule)
		y.invalid(err, "file")
		_, err = y.upload(y.sam, "half.jpg", photo[:200], rule)
		y.invalid(err, "file")
		if y.stored() != kept {
			y.Errorf("%d files on disk, %d before the refusals", y.stored(), kept)
		}
	})
}

func TestATooLargeUploadIsNotReadToItsEnd(t *testing.T) {
	eachYard(t, func(y *yard) {
		endless := &counted{}
		_, err := y.Upload(y.Context(), y.sam.Actor(), intake.Upload{Name: "film.jpg", Body: endless}, y.rule(bridge.KindCustomer))
		y.denied(err, "file_too_large")
		if endless.n > 11<<20 {
			y.Errorf("%d bytes were read", endless.n)
		}
	})
}

type counted struct{ n int }

func (c *counted) Read(b []byte) (int, error) { c.n += len(b); return len(b), nil }

func TestS0_22_23_24_WithAHandymanAnImageStandsAlone(t *testing.T) {
	eachYard(t, func(y *yard) {
		conv, rule := y.handyman(), y.rule(bridge.KindPartner)
		one, two := y.attaches(y.sam, "1.jpg", photo, rule), y.attaches(y.sam, "2.jpg", photo, rule)
		_, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: conv, Body: "See the photo", Files: []bridge.AttachmentID{one}})
		y.denied(err, "file_alone")
		_, err = y.Reply(y.Context(), y.sam, intake.Draft{Conversation: conv, Files: []bridge.AttachmentID{one, two}})
		y.denied(err, "too_many_files")
		_, err = y.Reply(y.Context(), y.sam, intake.Draft{Conversation: conv, Files: []bridge.AttachmentID{one}})
		y.must(err)
		y.replies(conv, "That is the valve")
		y.told(conv, "out: ", "out: That is the valve")
	})
}

func TestS4_5_AJobTakesNoFiles(t *testing.T) {
	eachYard(t, func(y *yard) {
		_, err := y.upload(y.sam, "x.jpg", photo, y.rule(bridge.KindJob))
		y.denied(err, "text_only")
	})
}

func TestS1_10_FivePhotosAndNoMore(t *testing.T) {
	eachYard(t, func(y *yard) {
		r := y.text(priya, "hi")
		var ids []bridge.AttachmentID
		for n := range 6 {
			ids = append(ids, y.attaches(y.sam, fmt.Sprintf("%d.jpg", n), photo, y.rule(bridge.KindCustomer)))
		}
		_, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, Files: ids})
		y.denied(err, "too_many_files")
		m, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, Body: "All of them", Files: []bridge.AttachmentID{ids[3], ids[1], ids[3], ids[5], ids[0], ids[2]}})
		y.must(err)
		var names []string
		for _, a := range m.Attachments {
			names = append(names, a.Name)
		}
		if got := strings.Join(names, " "); got != "3.jpg 1.jpg 5.jpg 0.jpg 2.jpg" {
			y.Errorf("in the order %s", got)
		}
	})
}

func TestAFileOfSomebodyElseIsNotThere(t *testing.T) {
	eachYard(t, func(y *yard) {
		r := y.text(priya, "hi")
		theirs := y.attaches(y.jo, "x.jpg", photo, y.rule(bridge.KindCustomer))
		for _, id := range []bridge.AttachmentID{theirs, 99999} {
			_, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, Body: "x", Files: []bridge.AttachmentID{id}})
			y.invalid(err, "files")
		}
		y.must(y.TakeOff(y.Context(), y.sam.Actor(), theirs)) // does nothing: it is not Sam's
		_, err := y.Reply(y.Context(), y.jo, intake.Draft{Conversation: r.Conversation, Files: []bridge.AttachmentID{theirs}})
		y.must(err)
		_, err = y.Reply(y.Context(), y.jo, intake.Draft{Conversation: r.Conversation, Files: []bridge.AttachmentID{theirs}})
		y.invalid(err, "files") // it went with the message before
	})
}

func TestTheSameUploadTwiceIsOneFile(t *testing.T) {
	eachYard(t, func(y *yard) {
		up := func(data []byte) (bridge.Attachment, error) {
			return y.Upload(y.Context(), y.sam.Actor(), intake.Upload{Name: "x.jpg", Body: bytes.NewReader(data), Client: "tap"}, y.rule(bridge.KindCustomer))
		}
		first, err := up(photo)
		y.must(err)
		second, err := up(photo)
		y.must(err)
		if first.ID != second.ID || y.stored() != 2 {
			y.Errorf("%d and %d, %d files", first.ID, second.ID, y.stored())
		}
		r := y.text(priya, "hi")
		send := func() bridge.Message {
			m, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, ClientID: "form", Files: []bridge.AttachmentID{first.ID}})
			y.must(err)
			return m
		}
		if a, b := send(), send(); a.ID != b.ID || len(b.Attachments) != 1 {
			y.Errorf("a double tap made %d and %d", a.ID, b.ID)
		}
	})
}

func TestAFolderInAFilesNameIsDropped(t *testing.T) {
	eachYard(t, func(y *yard) {
		for name, want := range map[string]string{"../../x": "x.jpg", `C:\Users\sam\tap.png`: "tap.jpg", "a\u202egpj.exe": "agpj.jpg", ".htaccess": "htaccess.jpg", "": "file.jpg", "plan v1.2": "plan v1.2.jpg"} {
			a, err := y.upload(y.sam, name, photo, y.rule(bridge.KindCustomer))
			y.must(err)
			if a.Name != want {
				y.Errorf("%q became %q, want %q", name, a.Name, want)
			}
		}
	})
}

func TestS3_31_AProjectHasRoomForSoManyBytes(t *testing.T) {
	eachYard(t, func(y *yard) {
		conv := y.topic(5000)
		pdf := append(picturetest.PDF(), bytes.Repeat([]byte(" "), 3000)...)
		send := func() error {
			id := y.attaches(y.sam, "plan.pdf", pdf, y.rule(bridge.KindTopic))
			_, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: conv, Body: "the plan", Files: []bridge.AttachmentID{id}})
			return err
		}
		y.must(send())
		y.denied(send(), "quota")
	})
}

// topic is a conversation about a project that has room for some bytes.
func (y *yard) topic(quota int64) (conv bridge.ConversationID) {
	y.Helper()
	y.write(func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		s.Use(bridge.Builder)
		s.PortalOn, s.MessagesOn = true, true
		c, err := tx.AddContact(bridge.Contact{Name: "Priya", Side: bridge.Customer, Addresses: []bridge.Address{{Channel: bridge.SMS, Value: priya, Answerable: true}}}, noon)
		if err != nil {
			return err
		}
		r, err := tx.AddRecord(bridge.Record{Type: bridge.Project, Reference: "P1", Title: "Kitchen", ProjectType: "Standard", Stage: "Construction", Quota: quota,
			Contacts: []bridge.ContactID{c.ID}, Staff: []bridge.StaffID{y.sam.ID}}, noon)
		if err != nil {
			return err
		}
		conv, _, err = tx.FindOrStart(data.Start{Kind: bridge.KindTopic, About: "topic:1", Contact: c, Record: r.ID, Subject: "Plan", At: noon})
		return errors.Join(err, tx.PutSettings(s))
	})
	return conv
}

func TestWhatCannotGoWithATextIsLinkedFromIt(t *testing.T) {
	eachYard(t, func(y *yard) {
		r := y.text(priya, "hi")
		rule := y.rule(bridge.KindCustomer)
		rule.Types = append(rule.Types, "pdf")
		y.write(func(tx *data.Tx) error {
			s, err := tx.Settings()
			if err != nil {
				return err
			}
			s.Policy(bridge.KindCustomer).Files = rule
			return tx.PutSettings(s)
		})
		pdf, pic := y.attaches(y.sam, "quote.pdf", picturetest.PDF(), rule), y.attaches(y.sam, "x.jpg", photo, rule)
		m, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, Body: "The quote", Files: []bridge.AttachmentID{pdf, pic}})
		y.must(err)
		want := fmt.Sprintf("The quote\nquote.pdf: https://example.com/media/%d", pdf)
		if len(m.Deliveries) != 1 || m.Deliveries[0].Body != want || !m.Deliveries[0].Media {
			y.Errorf("%+v", m.Deliveries)
		}
		if m.Body != "The quote" {
			y.Errorf("the message itself became %q", m.Body)
		}
	})
}

func TestWhatIsNeverSentIsSweptAfterADay(t *testing.T) {
	eachYard(t, func(y *yard) {
		r := y.text(priya, "hi")
		rule := y.rule(bridge.KindCustomer)
		sent, forgotten, off := y.attaches(y.sam, "1.jpg", photo, rule), y.attaches(y.sam, "2.jpg", photo, rule), y.attaches(y.sam, "3.jpg", photo, rule)
		_, err := y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, Files: []bridge.AttachmentID{sent}})
		y.must(err)
		y.must(y.TakeOff(y.Context(), y.sam.Actor(), off))
		now := noon
		jobs := routine.New(routine.Options{Store: y.Store, Now: func() time.Time { return now }, Blobs: y.blobs})
		y.must(jobs.SweepUploads(y.Context()))
		if y.stored() != 4 {
			y.Errorf("%d files are left; those taken off go first", y.stored())
		}
		now = noon.Add(25 * time.Hour)
		broken, cancel := context.WithCancel(y.Context())
		cancel() // the program stops between the bytes and the row
		if err := jobs.SweepUploads(broken); err == nil {
			y.Error("a sweep that was cut off says that all is well")
		}
		y.must(jobs.SweepUploads(y.Context()))
		if y.stored() != 2 {
			y.Errorf("%d files are left", y.stored())
		}
		_, err = y.Reply(y.Context(), y.sam, intake.Draft{Conversation: r.Conversation, Files: []bridge.AttachmentID{forgotten}})
		y.invalid(err, "files")
		y.read(func(tx *data.Tx) error {
			if _, err := tx.Attachment(forgotten); !errors.Is(err, bridge.ErrNotFound) {
				y.Errorf("the row is still there: %v", err)
			}
			return nil
		})
	})
}

func TestFilesThatWereTakenOffCountUntilTheyAreSwept(t *testing.T) {
	eachYard(t, func(y *yard) {
		rule := y.rule(bridge.KindDirect)
		for range 100 {
			a, err := y.upload(y.sam, "a.txt", []byte("some words"), rule)
			y.must(err)
			y.must(y.TakeOff(y.Context(), y.sam.Actor(), a.ID))
		}
		_, err := y.upload(y.sam, "a.txt", []byte("some words"), rule)
		y.invalid(err, "file")
		y.must(routine.New(routine.Options{Store: y.Store, Now: y.Now, Blobs: y.blobs}).SweepUploads(y.Context()))
		_, err = y.upload(y.sam, "a.txt", []byte("some words"), rule)
		y.must(err)
	})
}

// A slow reader gives nothing until it is let go.
type slow struct{ began, let chan struct{} }

func (s slow) Read([]byte) (int, error) {
	s.began <- struct{}{}
	<-s.let
	return 0, io.ErrUnexpectedEOF
}

func TestUploadsOnTheirWayCountAsFilesThatAreNotSent(t *testing.T) {
	eachYard(t, func(y *yard) {
		s, rule := slow{make(chan struct{}), make(chan struct{})}, y.rule(bridge.KindCustomer)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := y.Upload(y.Context(), y.sam.Actor(), intake.Upload{Name: "a.jpg", Body: s}, rule); !errors.Is(err, io.ErrUnexpectedEOF) {
					y.Error(err)
				}
			})
			<-s.began
		}
		_, err := y.upload(y.sam, "b.jpg", photo, rule)
		y.invalid(err, "file")
		_, err = y.upload(y.jo, "b.jpg", photo, rule)
		y.must(err)
		close(s.let)
		all.Wait()
		_, err = y.upload(y.sam, "b.jpg", photo, rule)
		y.must(err)
	})
}
