package picture

import (
	"bufio"
	"encoding/binary"
	"io"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// pngKept are the chunks that make the picture and its colours. Text, time, EXIF
// and what nobody knows stay behind.
var pngKept = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true, "gAMA": true, "cHRM": true, "sRGB": true, "iCCP": true,
	"cICP": true, "bKGD": true, "pHYs": true, "sBIT": true, "hIST": true, "acTL": true, "fcTL": true, "fdAT": true,
}

func cleanPNG(w io.Writer, r io.Reader) error {
	in, out := bufio.NewReaderSize(r, 64<<10), bufio.NewWriterSize(w, 64<<10)
	head := make([]byte, 8)
	if _, err := io.ReadFull(in, head); err != nil || string(head) != pngSignature {
		return ErrBroken
	}
	out.Write(head)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return err
		}
		n, name := int64(binary.BigEndian.Uint32(head))+4, string(head[4:]) // its checksum too
		if n > 1<<31 {
			return ErrBroken
		}
		var to io.Writer = io.Discard
		if pngKept[name] {
			to = out
			out.Write(head)
		}
		if err := copyN(to, in, n); err != nil {
			return err
		}
		if name == "IEND" {
			return out.Flush()
		}
	}
}
