package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Sections are the parts of docs/evidence.md that campaigns write, by the name of the command, with the heads of the tables that they print.
var Sections = map[string][]string{
	"mutate":  {mutationHead, kindHead},
	"neutral": {neutralHead},
	"cover":   {coverageHead},
	"flip":    {flipHead},
	"history": {historyHead},
}

// The heads of the tables.
const (
	mutationHead = "project | packages | functions | seed | edits tried | of them compile | (edit, dependent function) pairs | version stayed | time"
	kindHead     = "kind of edit | edits | dependent functions"
	neutralHead  = "project | seed | files rewritten | locals renamed | declarations moved | functions | version changed | time"
	coverageHead = "project | packages with tests | tests | (test, executed function) pairs | not in the closure | executed by a test | in its closure | time"
	flipHead     = "project | seed | tests | edits | of them told by a test | (edit, test) pairs | version changed | test ended in another way | and the version stayed | time"
	historyHead  = "functions in both | same text of the body | same version | same package and imports | same module"
)

// WriteSection puts what a campaign printed into its section of a page. The section ends with a digest of itself, so that figures changed by hand are noticed.
func WriteSection(page, name, command, text string) (string, error) {
	before, _, after, err := section(page, name)
	if err != nil {
		return "", err
	}
	body := "\n`" + command + "` printed:\n\n" + strings.Trim(text, "\n") + "\n\n"
	return before + body + end(body) + after, nil
}

// CheckSection reports what is wrong with a section of a page: that it is not there, that it is not what a campaign wrote, or that its tables are not those that the
// campaign prints now.
func CheckSection(page, name string) error {
	_, body, after, err := section(page, name)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(after, "\n") || !strings.Contains(page, body+end(body)) {
		return fmt.Errorf("oracle: the section %s was not written by its campaign; run: oracle %s -page docs/evidence.md", name, name)
	}
	for _, head := range Sections[name] {
		if !strings.Contains(body, head+" |\n|---|") {
			return fmt.Errorf("oracle: the section %s has no table %q; run: oracle %s -page docs/evidence.md", name, head, name)
		}
	}
	return nil
}

// section splits a page at a section: what stands before it with its mark, the text, and what comes after its end mark.
func section(page, name string) (before, body, after string, err error) {
	mark := "<!-- oracle " + name + " -->\n"
	before, rest, ok := strings.Cut(page, mark)
	body, tail, closed := strings.Cut(rest, "<!-- oracle end")
	_, after, whole := strings.Cut(tail, "-->")
	if !ok || !closed || !whole || strings.Contains(body, "<!-- oracle") {
		return "", "", "", fmt.Errorf("oracle: the page has no section %s", name)
	}
	return before + mark, body, after, nil
}

func end(body string) string {
	d := sha256.Sum256([]byte(body))
	return "<!-- oracle end " + hex.EncodeToString(d[:8]) + " -->"
}
