package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// getFlags are the flags of assets get.
type getFlags struct {
	config    configFlags
	run       string
	partition string
	version   string
	to        string
}

func (a *app) assetsGetCommand() *cobra.Command {
	var f getFlags
	cmd := &cobra.Command{
		Use:   "get ASSET",
		Short: "Write the stored value of an asset, or save it to a file",
		Long: "Write the stored value of an asset to stdout, or save it with --to. Text, bytes, files and images with codec=png are written as they are, everything else as JSON. " +
			"The newest value is taken, or with --run or --version an earlier one, by what `assets show` says of it: the start or end of a run's id, the start of a version or of a data version.",
		Args:              arguments("", "the key of an asset"),
		ValidArgsFunction: a.completeAssets,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.assetGet(cmd, args[0], &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.run, "run", "", "the value that the run `RUN` stored")
	flags.StringVar(&f.version, "version", "", "the value with the version or data version `VERSION`")
	flags.StringVarP(&f.partition, "partition", "p", "", "the value of the partition `KEY`")
	flags.StringVar(&f.to, "to", "", "save it to `FILE`, which is replaced as a whole; a folder takes a file under its own name")
	f.config.add(a, cmd)
	return cmd
}

func (a *app) assetGet(cmd *cobra.Command, key string, f *getFlags) error {
	for _, name := range []string{"run", "version", "partition", "to"} {
		if set := cmd.Flags().Lookup(name); set.Changed && set.Value.String() == "" {
			return usage(cmd, fmt.Errorf("--%s is empty", name))
		}
	}
	inst, err := a.openReadOnly(cmd.Context())
	if err != nil {
		return err
	}
	g := &getting{app: a, cmd: cmd, flags: f, key: key, inst: inst}
	return closed(g.do(), inst)
}

// A getting is one `assets get` on its way, or one `runs get`.
type getting struct {
	app   *app
	cmd   *cobra.Command
	flags *getFlags
	key   string   // of the asset, or of the step
	names []string // key, and those that the asset had before
	inst  *instance.Instance

	def *dag.Output // what the code says of it now; nil if it says nothing
	op  *dag.Op
	rec *storage.Record
	out *storage.Output

	ran  *storage.Run                                              // whose step it is; nil for an asset
	load func(ctx context.Context, o execute.Options) (any, error) // through an IO manager of the user's
}

// what names the value in messages.
func (g *getting) what() string {
	if g.ran != nil {
		return "step " + g.key
	}
	return "asset " + g.key
}

// A content is a stored value as it is written: a file, bytes as they are, JSON, or the elements of a stream as JSON, one a line.
type content struct {
	file dag.File
	raw  []byte
	json []byte

	of       *dag.Type // of the elements in file; nil for a file that is no stream
	terminal bool      // where they are written to
}

func (g *getting) do() error {
	cat, err := g.app.catalog()
	if err != nil {
		return err
	}
	g.names = cat.AssetNames(g.key)
	if op, k, ok := cat.AssetOp(g.key); ok {
		if k < 0 {
			return usage(g.cmd, fmt.Errorf("asset %s has no value: its function returns none", g.key))
		}
		g.op, g.def = op, &op.Outputs[k]
	}
	if err := g.find(); err != nil {
		return err
	}
	g.load = func(ctx context.Context, o execute.Options) (any, error) {
		return execute.StoredValue(ctx, cat, g.key, g.out, o)
	}
	c, err := g.read()
	switch {
	case errors.Is(err, iomanager.ErrDamaged):
		hint := "; --version and --run find earlier values"
		if g.def != nil && !g.past() {
			hint = fmt.Sprintf("; `%s materialize --select %s` computes it again", g.app.env.Name, g.key)
		}
		return fmt.Errorf("asset %s cannot be read: %w%s", g.key, err, hint)
	case err != nil:
		return err
	case g.flags.to != "":
		return g.save(c)
	}
	return g.write(c)
}

// past reports whether a value is asked for that may not be the newest.
func (g *getting) past() bool { return g.flags.run != "" || g.flags.version != "" }

// find sets the record and the output that are asked for.
func (g *getting) find() error {
	ctx, store := g.cmd.Context(), g.inst.Store()
	if g.op != nil && g.op.Kind == dag.KindSource {
		return usage(g.cmd, fmt.Errorf("%s is a source: its data is kept where it comes from, and only its versions are stored; see assets show %s", g.key, g.key))
	}
	if partitioned := g.op != nil && g.op.Partitions != nil; partitioned && g.flags.partition == "" {
		return usage(g.cmd, fmt.Errorf("asset %s has partitions (%s); say which one's value with --partition KEY", g.key, g.op.Partitions))
	} else if g.op != nil && !partitioned && g.flags.partition != "" {
		return usage(g.cmd, fmt.Errorf("asset %s has no partitions; leave out --partition", g.key))
	}
	g.flags.partition = partition.Unquote(g.flags.partition)
	if g.op != nil && !g.past() { // the newest is what was materialized or reused last
		id := "asset:" + g.op.Key
		if g.flags.partition != "" {
			id = dag.PartitionStep(id, dag.PartitionKey(g.flags.partition))
		}
		records, err := store.Latest(ctx, []string{id})
		if err != nil {
			return err
		}
		if r := records[id]; r != nil {
			g.take(r)
		}
	}
	if g.out != nil {
		return nil
	}
	records, err := historyOf(ctx, store, g.names, 0)
	if err != nil {
		return err
	}
	var found []*storage.Record
	data := map[string]bool{}
	for i := range records {
		m, out := materializationOf(&records[i], g.names...)
		if out == nil || m.Partition != g.flags.partition || !matchesRun(m.RunID, g.flags.run) || !matchesVersion(m, g.flags.version) {
			continue
		}
		found, data[m.DataVersion] = append(found, &records[i]), true
	}
	switch {
	case len(found) == 0 && g.op == nil && len(records) == 0:
		cat, err := g.app.catalog()
		if err != nil {
			return err
		}
		return usage(g.cmd, unknownAsset(g.key, cat))
	case len(records) == 0:
		return usage(g.cmd, fmt.Errorf("asset %s was never materialized", g.key))
	case len(found) == 0:
		return usage(g.cmd, fmt.Errorf("asset %s has no such value; assets show %s lists what was stored", g.key, g.key))
	case g.past() && len(data) > 1:
		return usage(g.cmd, fmt.Errorf("%d values of %s fit; give more of the id or version", len(data), g.key))
	}
	g.take(found[0])
	return nil
}

func (g *getting) take(r *storage.Record) {
	if _, out := materializationOf(r, g.names...); out != nil {
		g.rec, g.out = r, out
	}
}

func matchesRun(id, part string) bool {
	return strings.HasPrefix(id, part) || strings.HasSuffix(id, part)
}

func matchesVersion(m *materialization, part string) bool {
	part = strings.ToLower(strings.TrimPrefix(part, "sha256:"))
	return strings.HasPrefix(strings.TrimPrefix(m.Version, "sha256:"), part) || strings.HasPrefix(strings.TrimPrefix(m.DataVersion, "sha256:"), part)
}

// read loads the output, verified.
func (g *getting) read() (*content, error) {
	ctx, io := g.cmd.Context(), g.inst.IO()
	switch {
	case g.out.IO != "":
		return g.readCustom(ctx)
	case g.out.Codec == iomanager.CodecFile:
		v, err := io.Load(ctx, g.out, dag.TypeOf[dag.File]("dag.File"))
		if err != nil {
			return nil, err
		}
		c := &content{file: v.(dag.File)}
		if g.def != nil && g.def.Type.IsStream() && !(iomanager.IsTable(c.file) && g.savesTable()) {
			c.of = g.def.Type.Elem()
		}
		return c, nil
	}
	data, err := io.Blob(ctx, g.out)
	if err != nil {
		return nil, err
	}
	if g.asStored() {
		return &content{raw: data}, nil
	}
	decode, show := codec.Decode, codec.JSON
	switch g.out.Codec {
	case iomanager.CodecJSON, iomanager.CodecParquet, iomanager.CodecProtobuf:
		decode = func(t *dag.Type, text []byte) (v any, err error) {
			v, data, err = iomanager.FromForeign(g.out, t, text)
			return v, err
		}
		show = func(text []byte) ([]byte, error) { return text, nil }
	}
	stored := data
	why := "no code defines it any more"
	if g.def != nil {
		v, err := decode(g.def.Type, stored)
		if err == nil {
			return contentOf(v, data)
		}
		why = "it was stored as another type than " + shortType(g.def.Type.Name)
	}
	if !g.app.quiet {
		_, _ = fmt.Fprintf(g.app.env.Stderr, "%s: %s; it is shown as it is stored, by the Go names of fields\n", escape(g.key), escape(why))
	}
	if g.out.Codec == iomanager.CodecParquet || g.out.Codec == iomanager.CodecProtobuf {
		return &content{raw: stored}, nil
	}
	shown, err := show(stored)
	return &content{json: shown}, err
}

// asStored reports whether the value is written as it is stored, whatever the code says of it: an image is, and what no code reads any more.
func (g *getting) asStored() bool {
	switch g.out.Codec {
	case iomanager.CodecPNG:
		return true
	case iomanager.CodecParquet:
		return g.def == nil || g.savesTable()
	case iomanager.CodecProtobuf:
		return g.def == nil || filepath.Ext(g.flags.to) == ".pb"
	}
	return false
}

// savesTable reports whether a table is wanted as it is stored, for other programs: what is saved to a file of that name.
func (g *getting) savesTable() bool { return filepath.Ext(g.flags.to) == "."+iomanager.CodecParquet }

// readCustom loads through an IO manager of the user's.
func (g *getting) readCustom(ctx context.Context) (*content, error) {
	if g.def == nil {
		return nil, fmt.Errorf("%s was stored by the IO manager %q, and no code defines it any more: its value is where that kept it", g.what(), g.out.IO)
	}
	doc, err := g.app.document(g.cmd, &g.flags.config)
	if err != nil {
		return nil, err
	}
	v, err := g.load(ctx, execute.Options{Instance: g.inst, Config: doc, Getenv: g.app.env.Getenv})
	if err != nil {
		return nil, err
	}
	if f, ok := v.(dag.File); ok {
		return &content{file: f}, nil
	}
	data, err := codec.Encode(g.def.Type, v)
	if err != nil {
		return nil, err
	}
	return contentOf(v, data)
}

// contentOf is how a value is written; data is its encoding, which shows what JSON cannot hold.
func contentOf(v any, data []byte) (*content, error) {
	switch rv := reflect.ValueOf(v); {
	case rv.Kind() == reflect.String:
		return &content{raw: []byte(rv.String())}, nil
	case rv.Kind() == reflect.Slice && rv.Type().Elem().Kind() == reflect.Uint8:
		return &content{raw: append([]byte{}, rv.Bytes()...)}, nil
	}
	if shown, ok := asJSON(v); ok {
		return &content{json: shown}, nil
	}
	shown, err := codec.JSON(data)
	return &content{json: shown}, err
}

// asJSON writes a value as its own code says, which may fail and may panic.
func asJSON(v any) (shown []byte, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if f, message := dag.MessageFormatOf(reflect.TypeOf(v)); message && !reflect.ValueOf(v).IsNil() {
		shown, err := f.JSON(v)
		return shown, err == nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err == nil
}

// write writes the value to stdout.
func (g *getting) write(c *content) error {
	a := g.app
	f, ok := a.env.Stdout.(*os.File)
	terminal := ok && term.IsTerminal(int(f.Fd()))
	switch {
	case a.format == formatJSON && c.of == nil:
		return a.result(json.RawMessage(g.document(c)), nil)
	case c.of != nil:
		c.terminal = terminal
	case c.json != nil && terminal:
		var b bytes.Buffer
		if err := json.Indent(&b, c.json, "", "  "); err != nil {
			return err
		}
		a.lines(escapeLines(b.String()))
		return nil
	case terminal && !c.file.IsZero():
		return fmt.Errorf("%s is the file %s, which is not written to a terminal: save it with --to %s", g.what(), c.file, c.file.Name())
	case terminal && (!utf8.Valid(c.raw) || bytes.IndexByte(c.raw, 0) >= 0):
		return fmt.Errorf("%s is %s that are no text, which are not written to a terminal: save them with --to FILE", g.what(), size(int64(len(c.raw))))
	case terminal && len(c.raw) > 0:
		a.lines(escapeLines(string(c.raw)))
		return nil
	}
	_, err := c.copyTo(a.out)
	return err
}

// document is the value as one JSON document: text and bytes as a string (bytes that are no text in base64), a file as where it is.
func (g *getting) document(c *content) []byte {
	var v any
	switch {
	case c.json != nil:
		return c.json
	case g.out.Codec == iomanager.CodecFile && c.file.IsZero():
	case !c.file.IsZero():
		v = map[string]any{"name": c.file.Name(), "path": c.file.Path(), "size": c.file.Size(), "data_version": c.file.Version().String()}
	case utf8.Valid(c.raw):
		v = string(c.raw)
	default:
		v = c.raw
	}
	doc, _ := asJSON(v) // a map of texts and numbers, or a text
	return doc
}

// copyTo writes what the value is written as, and returns how many bytes these are.
func (c *content) copyTo(w io.Writer) (int64, error) {
	switch {
	case c.json != nil:
		n, err := w.Write(append(c.json, '\n'))
		return int64(n), err
	case c.file.IsZero():
		n, err := w.Write(c.raw)
		return int64(n), err
	}
	if c.of != nil {
		return c.lines(w)
	}
	r, err := c.file.Open()
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(w, r)
	return n, errors.Join(err, r.Close())
}

// lines writes the elements of a stream.
func (c *content) lines(w io.Writer) (n int64, err error) {
	out := bufio.NewWriter(w)
	at := reflect.New(c.of.Go)
	read := iomanager.ReadStream(c.file, c.of, at.Interface(), func() bool {
		v := at.Elem().Interface()
		line, ok := asJSON(v)
		if !ok {
			var data []byte
			if data, err = codec.Encode(c.of, v); err == nil {
				line, err = codec.JSON(data)
			}
		}
		if err == nil {
			if c.terminal {
				line = []byte(escape(string(line)))
			}
			n += int64(len(line)) + 1
			_, err = out.Write(append(line, '\n'))
		}
		return err == nil
	})
	return n, errors.Join(read, err, out.Flush())
}

// A savedValue is what `assets get --to` and `runs get --to` say.
type savedValue struct {
	Asset       string `json:"asset,omitempty"`
	Step        string `json:"step,omitempty"` // with its output, for `runs get`
	Output      string `json:"output,omitempty"`
	File        string `json:"file"`
	Size        int64  `json:"size"`
	RunID       string `json:"run_id"`
	Version     string `json:"version"`
	DataVersion string `json:"data_version"`
}

func (g *getting) save(c *content) error {
	path := g.flags.to
	if !filepath.IsAbs(path) {
		path = filepath.Join(g.app.env.Dir, path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if c.file.IsZero() {
			return usage(g.cmd, fmt.Errorf("%s is a folder: give the file that %s is to be saved to", g.flags.to, g.key))
		}
		path = filepath.Join(path, c.file.Name())
	}
	var n int64
	if err := replaceFile(path, func(w io.Writer) (err error) {
		n, err = c.copyTo(w)
		return err
	}); err != nil {
		return fmt.Errorf("%s was not saved: %w", g.what(), err)
	}
	s := savedValue{File: path, Size: n}
	if g.ran != nil {
		s.Step, s.Output, s.RunID, s.Version, s.DataVersion = g.key, g.out.Name, g.ran.ID, digestText(g.out.Version), digestText(g.out.DataVersion)
	} else {
		m, _ := materializationOf(g.rec, g.names...)
		s.Asset, s.RunID, s.Version, s.DataVersion = g.key, m.RunID, m.Version, m.DataVersion
	}
	return g.app.result(s, func(look) []string {
		return []string{escape(g.key) + " → " + escape(g.app.relative(path)) + ", " + size(n)}
	})
}
