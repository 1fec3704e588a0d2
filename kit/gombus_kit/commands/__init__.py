"""The subcommands that the kit adds to `gombus`, beside the demonstration."""
