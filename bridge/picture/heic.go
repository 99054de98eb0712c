package picture

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// A span is a part of a file, from its byte at to before its byte end.
type span struct{ at, end int64 }

// cleanHEIC writes zeros over EXIF and XMP, where the file's table of contents says
// that they are. Nothing moves, so that the table stays true; the turn of the
// picture stands elsewhere (ISO/IEC 14496-12 8.11, 23008-12).
func cleanHEIC(w io.Writer, r io.ReadSeeker) error {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	blank, err := heicBlank(r, size)
	if err != nil {
		return err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	slices.SortFunc(blank, func(a, b span) int { return cmp.Compare(a.at, b.at) })
	at := int64(0)
	for _, b := range blank {
		from, to := max(min(b.at, size), at), max(min(b.end, size), at)
		if to <= from {
			continue
		}
		if err := copyN(w, r, from-at); err != nil {
			return err
		}
		if err := copyN(w, zeros{}, to-from); err != nil {
			return err
		}
		if at, err = r.Seek(to, io.SeekStart); err != nil {
			return err
		}
	}
	return copyN(w, r, size-at)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// maxMeta bounds the table of contents; those of phones have some kilobytes.
const maxMeta = 4 << 20

// heicBlank finds what is to be blanked: the items of the table that are no
// pictures, and boxes of a maker's own. An item that lies about its place, on the
// table itself or on the beginning of a box, would break the file.
func heicBlank(r io.ReadSeeker, size int64) (blank []span, err error) {
	found := false
	var items, bodies []span // bodies in the order of the file
	for at := int64(0); at+8 <= size; {
		var head [16]byte
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(r, head[:])
		if n < 8 {
			return nil, err
		}
		name, long, start := string(head[4:8]), int64(binary.BigEndian.Uint32(head[:])), at+8
		switch {
		case long == 0:
			long = size - at
		case long == 1 && n == 16:
			long, start = int64(binary.BigEndian.Uint64(head[8:])&(1<<62-1)), at+16
		}
		end := at + long
		if long < start-at || end > size || at == 0 && name != "ftyp" {
			return nil, ErrBroken
		}
		switch name {
		case "meta":
			if end-start > maxMeta {
				return nil, ErrBroken
			}
			body := make([]byte, end-start)
			if _, err := r.Seek(start, io.SeekStart); err != nil {
				return nil, err
			}
			if _, err := io.ReadFull(r, body); err != nil {
				return nil, err
			}
			spans, idat, err := heicItems(body, start)
			if err != nil {
				return nil, err
			}
			items, bodies, found = append(items, spans...), append(bodies, idat), true
		case "ftyp":
		case "uuid", "free", "skip", "udta":
			blank = append(blank, span{start, end})
			fallthrough
		default:
			bodies = append(bodies, span{start, end})
		}
		at = end
	}
	if !found {
		return nil, ErrBroken
	}
	for _, s := range items {
		// The last body that begins at or before the item.
		i, _ := slices.BinarySearchFunc(bodies, s.at, func(b span, at int64) int { return cmp.Compare(b.at, at+1) })
		if i == 0 || s.end > bodies[i-1].end {
			return nil, ErrBroken
		}
	}
	return append(blank, items...), nil
}

// bits reads big-endian numbers and remembers when there were too few bytes.
type bits struct {
	b   []byte
	bad bool
}

func (r *bits) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, max(n, 0))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// num reads a number of 0 to 8 bytes.
func (r *bits) num(bytes int) (v int64) {
	for _, b := range r.take(bytes) {
		v = v<<8 | int64(b)
	}
	return v & (1<<62 - 1)
}

// box reads the next box inside a box.
func (r *bits) box() (name string, body []byte, ok bool) {
	if len(r.b) < 8 {
		return "", nil, false
	}
	n := int(r.num(4))
	name = string(r.take(4))
	if n == 0 {
		n = len(r.b) + 8
	}
	if n < 8 || n-8 > len(r.b) {
		r.bad = true
		return "", nil, false
	}
	return name, r.take(n - 8), true
}

// heicItems reads the table of contents, which begins at a place in the file, and
// says where its own box of data is.
func heicItems(meta []byte, at int64) (items []span, idat span, err error) {
	private := map[int64]bool{}
	var iloc []byte
	idat = span{at, at}
	r := &bits{b: meta}
	r.take(4) // version and flags
	for {
		name, body, ok := r.box()
		if !ok {
			break
		}
		switch name {
		case "iinf":
			readItemInfo(body, private)
		case "iloc":
			iloc = body
		case "idat":
			idat.end = at + int64(len(meta)-len(r.b))
			idat.at = idat.end - int64(len(body))
		}
	}
	if r.bad || iloc == nil {
		return nil, span{}, ErrBroken
	}
	items, err = readItemPlaces(iloc, idat.at, private)
	return items, idat, err
}

// readItemInfo notes which items are words about the picture.
func readItemInfo(body []byte, private map[int64]bool) {
	r := &bits{b: body}
	wide := r.take(4)[0] != 0
	if wide {
		r.num(4)
	} else {
		r.num(2)
	}
	for {
		name, entry, ok := r.box()
		if !ok {
			return
		}
		e := &bits{b: entry}
		version := e.take(4)[0]
		if name != "infe" || version < 2 {
			continue
		}
		id := e.num(2)
		if version > 2 {
			id = id<<16 | e.num(2)
		}
		e.num(2)
		switch string(e.take(4)) {
		case "Exif", "mime", "uri ":
			private[id] = true
		}
	}
}

// readItemPlaces gives where the private items are.
func readItemPlaces(body []byte, idat int64, private map[int64]bool) (out []span, err error) {
	r := &bits{b: body}
	version := r.take(4)[0]
	sizes := r.num(2)
	offset, length, base, index := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		index = 0
	}
	count, idBytes := r.num(2), 2
	if version > 1 {
		count, idBytes = count<<16|r.num(2), 4
	}
	for ; count > 0 && !r.bad; count-- {
		id, start := r.num(idBytes), int64(0)
		if version > 0 && r.num(2)&15 == 1 { // inside the box idat, and not in the file
			start = idat
		}
		r.num(2)
		start += r.num(base)
		n := r.num(2)
		if n > 1 && index+offset+length == 0 {
			return nil, ErrBroken // 65,535 parts that take no byte: a table of 4 MB would keep us busy for minutes
		}
		for ; n > 0 && !r.bad; n-- {
			r.num(index)
			at := start + r.num(offset)
			end := at + r.num(length)
			if private[id] && !r.bad {
				if at < 0 || end <= at {
					return nil, ErrBroken // none is the whole file, which it cannot be
				}
				out = append(out, span{at, end})
			}
		}
	}
	if r.bad {
		return nil, ErrBroken
	}
	return out, nil
}
