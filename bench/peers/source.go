package main

import (
	"fmt"
	"strings"
)

// goSource returns the file of a pipeline that does a work. edit is the number of the last edit of one of its functions, 0 for none.
func (w work) goSource(edit int) string {
	var b strings.Builder
	begin := func(imports, main string) {
		fmt.Fprintf(&b, "// Package main is a pipeline to measure.\npackage main\n\nimport (\n%s)\n\nfunc main() { %s }\n", imports, main)
	}
	const lab = "\t\"github.com/dagstergen/dagstergen/bench/lab\"\n"
	const asset = "\n//dag:asset\nfunc "
	switch w.key {
	case "chain":
		begin(lab, "lab.Main(Definitions, lab.Last(Definitions))")
		b.WriteString(asset + "S00000() int { return 1 }\n")
		for i := 1; i < w.size; i++ {
			fmt.Fprintf(&b, "%sS%05d(s%05d int) int { return s%05d + 1 }\n", asset, i, i-1, i-1)
		}
	case "wide", "define":
		begin(lab, "lab.Main(Definitions, lab.Sum(Definitions))")
		for i := range w.size {
			by := 1
			if w.key == "wide" && i == w.editedStep() {
				by += edit
			}
			fmt.Fprintf(&b, "%sS%05d() int { return %d + %d }\n", asset, i, i, by)
		}
	case "partitions":
		begin("\t\"github.com/dagstergen/dagstergen/bench/lab\"\n\t\"github.com/dagstergen/dagstergen/runtime/partition\"\n", "lab.Partitions(Definitions)")
		b.WriteString("\n// Keys are the partitions of all assets.\n//\n//dag:partitions\nvar Keys = partition.Static(\n")
		for i := range w.keys {
			fmt.Fprintf(&b, "\t%q,\n", partitionKey(i))
		}
		b.WriteString(")\n")
		for i := range w.size {
			group, by := "inner", 1
			if w.isLast(i) {
				group = "last"
			}
			if i == w.editedStep() {
				by += edit
			}
			takes, result := "", "0"
			if i%layers > 0 {
				result = fmt.Sprintf("s%05d", i-1)
				takes = result + " int"
			}
			fmt.Fprintf(&b, "\n//dag:asset partitions=Keys group=%s\nfunc S%05d(%s) int { return %s + %d }\n", group, i, takes, result, by)
		}
	case "mapping":
		begin(lab, "lab.Main(Definitions, lab.Job(MappedJob, func(n int) MappedInputs { return MappedInputs{N: n} }, func(o MappedOutputs) int { return o.Result }))")
		b.WriteString(`
//dag:op
func Elements(n int) []int {
	var all []int
	for i := range n {
		all = append(all, i)
	}
	return all
}

//dag:op
func Fit(x int) int { return x + 1 }

//dag:op
func Sum(xs []int) int {
	sum := 0
	for _, x := range xs {
		sum += x
	}
	return sum
}

//dag:job
func Mapped(n int) int {
	var all []int
	for _, x := range Elements(n) {
		all = append(all, Fit(x))
	}
	return Sum(all)
}
`)
	case "files":
		begin("\t\"crypto/sha3\"\n\t\"strconv\"\n\n"+lab, "lab.Main(Definitions, lab.Parts(Definitions))")
		fmt.Fprintf(&b, `
func make_(i int) []byte {
	tile := sha3.SumSHAKE128([]byte(strconv.Itoa(i)), 1<<20)
	out := make([]byte, 0, %d<<20)
	for k := range %[1]d {
		out = append(out, flip(tile, byte(k))...)
	}
	return out
}

func flip(in []byte, bits byte) []byte {
	out := make([]byte, len(in))
	for i, b := range in {
		out[i] = b ^ bits
	}
	return out
}
`, w.mib)
		for i := range w.size {
			fmt.Fprintf(&b, "%sStage0n%05d() []byte { return make_(%[2]d) }\n", asset, i)
			for k := 1; k < w.stages; k++ {
				name := fmt.Sprintf("Stage%dn%05d", k, i)
				if k == w.stages-1 {
					name = fmt.Sprintf("Part%05d", i)
				}
				fmt.Fprintf(&b, "%s%s(stage%dn%05d []byte) []byte { return flip(stage%[3]dn%05[4]d, %d) }\n", asset, name, k-1, i, 0x5a+k)
			}
		}
	case "start":
		begin("\t\"os\"\n\t\"strconv\"\n\t\"time\"\n\n\t\"github.com/dagstergen/dagstergen/runtime/cli\"\n", "cli.Main(Definitions)")
		b.WriteString(asset + `S00000() (int, error) {
	now := time.Now().UnixNano()
	return 1, os.WriteFile(os.Getenv("FIRST_LINE"), []byte(strconv.FormatInt(now, 10)), 0o600)
}
`)
	}
	return b.String()
}

// pythonSource returns the module steps for a work: the same functions.
func (w work) pythonSource(edit int) string {
	var b strings.Builder
	b.WriteString("import hashlib\nimport os\nimport time\n\ncalls = 0\n\n\ndef count():\n    global calls\n    calls += 1\n\n\n")
	switch w.key {
	case "chain", "wide", "define":
		for i := range w.size {
			by := 1
			if w.key == "wide" && i == w.editedStep() {
				by += edit
			}
			fmt.Fprintf(&b, "def s%05d(x):\n    count()\n    return x + %d\n\n\n", i, by)
		}
	case "partitions":
		var keys, last []string
		for i := range w.keys {
			keys = append(keys, partitionKey(i))
		}
		for i := range w.size {
			if w.isLast(i) {
				last = append(last, fmt.Sprint(i))
			}
		}
		fmt.Fprintf(&b, "keys = %q.split()\nunstored = %d\nlayers = %d\nlast = {%s}\nedited = %d\nedit = %d\n", strings.Join(keys, " "), w.unstored(), layers, strings.Join(last, ", "), w.editedStep(), edit)
	case "mapping":
		b.WriteString("def fit(x):\n    count()\n    return x + 1\n")
	case "start":
		b.WriteString("def s00000(x):\n    now = time.time_ns()\n    with open(os.environ[\"FIRST_LINE\"], \"w\") as f:\n        f.write(str(now))\n    return x + 1\n")
	case "files":
		fmt.Fprintf(&b, "flips = [bytes(b ^ bits for b in range(256)) for bits in range(256)]\n\n\ndef make(i):\n    count()\n    tile = hashlib.shake_128(str(i).encode()).digest(1 << 20)\n    return b\"\".join(tile.translate(flips[k]) for k in range(%d))\n\n\n", w.mib)
		var names []string
		for k := 1; k < w.stages; k++ {
			fmt.Fprintf(&b, "def stage%d(x):\n    count()\n    return x.translate(flips[%d])\n\n\n", k, 0x5a+k)
			names = append(names, fmt.Sprintf("stage%d", k))
		}
		fmt.Fprintf(&b, "stages = [%s]\n", strings.Join(names, ", "))
	}
	return b.String()
}
