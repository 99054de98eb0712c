package smstest

import (
	"bytes"
	"net/http"
	"strings"
	"time"
)

// record keeps a voicemail, and gives its id and where the program finds it.
func (s *Server) record(length time.Duration) (sid, address string) {
	sid = newID("RE")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recordings[sid] = silence(length)
	return sid, s.base + "/2010-04-01/Accounts/" + s.opts.AccountSID + "/Recordings/" + sid
}

// play serves a voicemail as an MP3. Twilio gives a WAV for an address without an
// ending; nobody wants one here.
func (s *Server) play(w http.ResponseWriter, r *http.Request, file string) {
	sid, mp3 := strings.CutSuffix(file, ".mp3")
	s.mu.Lock()
	sound, ok := s.recordings[sid]
	s.mu.Unlock()
	if !mp3 || !ok {
		s.notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "audio/mpeg")
	_, _ = w.Write(sound) // the client may be gone
}

const (
	frameLength = 104                      // bytes: 144 × 32,000 bit/s ÷ 44,100 Hz
	frameTime   = 26122 * time.Microsecond // 1,152 samples
)

// silence is an MP3 in which nothing is heard: frames of MPEG-1 layer III, mono, at
// 32 kbit/s and 44.1 kHz, whose side information says that there is nothing.
func silence(length time.Duration) []byte {
	frame := make([]byte, frameLength)
	copy(frame, []byte{0xff, 0xfb, 0x10, 0xc4})
	return bytes.Repeat(frame, max(1, int(length/frameTime)))
}
