package execute

import (
	"os"
	"strconv"
	"strings"
)

// volunteer makes this process the one to be ended where memory runs out, before the one that it works for. It is a wish: not every system knows it.
func volunteer() {
	const file, score = "/proc/self/oom_score_adj", 500
	if now, err := os.ReadFile(file); err != nil {
		return
	} else if n, err := strconv.Atoi(strings.TrimSpace(string(now))); err != nil || n >= score {
		return
	}
	if f, err := os.OpenFile(file, os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString(strconv.Itoa(score))
		_ = f.Close()
	}
}
