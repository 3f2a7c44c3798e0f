package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// An assetChoice says which assets a command lists. The zero assetChoice is all.
type assetChoice struct{ prefix, group string }

func (c *assetChoice) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.prefix, "prefix", "", "only assets whose keys begin with these `PARTS`: warehouse is that key and all below it, such as warehouse/orders")
	cmd.Flags().StringVar(&c.group, "group", "", "only assets of the group `NAME`")
}

// takes reports whether an asset is one of them.
func (c *assetChoice) takes(key, group string) bool {
	prefix := strings.TrimSuffix(c.prefix, "/")
	return (prefix == "" || key == prefix || strings.HasPrefix(key, prefix+"/")) && (c.group == "" || c.group == group)
}
