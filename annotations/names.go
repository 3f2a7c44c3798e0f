package annotations

import (
	"go/token"
	"strings"
	"unicode"
)

// ValidName reports whether s may be a key: lower-case ASCII letters, digits and underscores, a letter first, at most 100 of them.
// Keys stand in config, on command lines and in storage, so that nothing else is allowed.
func ValidName(s string) bool {
	if s == "" || len(s) > 100 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" // Trim stops at what is not in the set, so nothing else is inside either
}

// ValidKey reports whether s may be the key of an asset: names as [ValidName] has them, with slashes between them, at most 200 bytes.
func ValidKey(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if !ValidName(part) {
			return false
		}
	}
	return len(s) <= 200
}

// SnakeKey returns the snake case of each part of a key.
func SnakeKey(s string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = Snake(parts[i])
	}
	return strings.Join(parts, "/")
}

func validIdent(s string) bool { return token.IsIdentifier(s) && s != "_" }

// Snake returns the snake case of a Go name: words begin at an upper-case letter after a lower-case one, and at the last
// letter of an acronym that a lower-case letter follows. Digits belong to the word before them, and so does the s of a plural acronym.
// Underscores separate words; those at the ends are dropped, so that the result of "_" is empty. Snake(Snake(s)) is Snake(s).
func Snake(goName string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(goName, "_") {
		rs := []rune(word)
		for i, r := range rs {
			if b.Len() > 0 && (i == 0 || startsWord(rs, i)) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// startsWord reports whether a word begins at rs[i], i > 0.
func startsWord(rs []rune, i int) bool {
	if !isUpper(rs[i]) {
		return false
	}
	end := i // of the run of upper-case letters from i
	for end < len(rs) && isUpper(rs[end]) {
		end++
	}
	followed := end < len(rs) && isLower(rs[end]) && !pluralS(rs, end)
	switch prev := rs[i-1]; {
	case isUpper(prev):
		return followed && end == i+1 // the last one of HTTPServer's HTTPS
	case unicode.IsDigit(prev):
		acronym := end - i
		if followed {
			acronym-- // its last letter begins the next word
		}
		return acronym != 1 // Plot3DView is plot3d_view, V2API is v2_api, S3Bucket is s3_bucket
	}
	return true
}

// pluralS reports whether rs[i] is the s of a plural acronym, as in userIDs and URLsSeen.
func pluralS(rs []rune, i int) bool {
	return rs[i] == 's' && i >= 2 && isUpper(rs[i-1]) && isUpper(rs[i-2]) && (i+1 == len(rs) || !isLower(rs[i+1]))
}

// isUpper leaves out the few capital letters that have no lower case, so that a snake case name has none.
func isUpper(r rune) bool {
	return (unicode.IsUpper(r) || unicode.IsTitle(r)) && unicode.ToLower(r) != r
}

// isLower holds for letters without case too.
func isLower(r rune) bool { return unicode.IsLetter(r) && !isUpper(r) }
