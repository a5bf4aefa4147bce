//! The user and group of the process.

rows! {
after proc;

User from Processes {
    USER_UID "user.uid" Uint32: "effective user id";
    USER_NAME "user.name" Str: "name of the effective user, `<NA>` where it has none";
    USER_HOMEDIR "user.homedir" Str: "home directory of the effective user, `<NA>` where it has none";
    USER_SHELL "user.shell" Str: "login shell of the effective user, `<NA>` where it has none";
    USER_LOGINUID "user.loginuid" Int: "user id at login (audit uid), -1 for none";
    USER_LOGINNAME "user.loginname" Str: "name of the user at login, `<NA>` where it has none";
}

Group from Processes {
    GROUP_GID "group.gid" Uint32: "effective group id";
    GROUP_NAME "group.name" Str: "name of the effective group, `<NA>` where it has none";
}
}
