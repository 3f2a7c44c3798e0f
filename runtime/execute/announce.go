package execute

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"sync"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// A child that makes a secret (a resource that logs in, say) tells its parent, who keeps what it prints. It tells it on the very streams that it prints to, before the
// code that made the secret goes on: whatever the child prints of it comes later on the same stream, so the parent knows it by then, and nobody waits for an answer.
//
// What is told is sealed with a key that only the two have: a stream may have been turned elsewhere by code that does not know of all this.

// sealedSize is how much of a secret goes into one mark, in bytes: a write that small is not mixed with what C code, or another process, prints meanwhile.
const sealedSize = 1 << 10

// The first byte of a piece of a secret.
const (
	pieceMore byte = iota // there is more of it
	pieceLast
)

// An announcer tells the parent of secrets.
type announcer struct {
	mark string
	aead cipher.AEAD

	mu sync.Mutex // pieces of two secrets are not mixed
}

// newKey makes a key for sealOf.
func newKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return key
}

// sealOf returns what seals with a key.
func sealOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// announceSecrets tells the parent of every secret that this process has made or makes, where it listens to what is printed.
func announceSecrets(ref *runRef) error {
	if ref.Mark == "" {
		return nil
	}
	aead, err := sealOf(ref.Seal)
	if err == nil {
		mask.Watch((&announcer{mark: ref.Mark, aead: aead}).announce)
	}
	return err
}

func (a *announcer) announce(secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for rest := []byte(secret); len(rest) > 0; {
		n := min(len(rest), sealedSize)
		kind := pieceMore
		if n == len(rest) {
			kind = pieceLast
		}
		nonce := make([]byte, a.aead.NonceSize())
		_, _ = rand.Read(nonce)
		sealed := a.aead.Seal(nonce, nonce, append([]byte{kind}, rest[:n]...), nil)
		rest = rest[n:]
		printRaw(string(markLead) + a.mark + base64.RawURLEncoding.EncodeToString(sealed) + "\n")
	}
}

// longestSealed is how long a piece is at most as it stands in a mark.
const longestSealed = 2 * sealedSize

// heardOf takes in a piece of a secret that came on a stream; whole secrets are masked from then on. It reports whether the text is a piece.
func (s *printed) heardOf(aead cipher.AEAD, text []byte) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(string(text))
	if err != nil || len(sealed) <= aead.NonceSize() {
		return false
	}
	piece, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
	if err != nil || len(piece) == 0 {
		return false
	}
	s.secret = append(s.secret, piece[1:]...)
	if piece[0] == pieceLast {
		mask.Add(string(bytes.Clone(s.secret)))
		s.secret = nil
	}
	return true
}
