"""Where networks run and what runs them: devices and runtimes, one file each."""
