//! Says where libashlar is: in the folder that ASHLAR_LIB_DIR names, else where pkg-config finds it, else where the linker looks,
//! which finds no archive: rustc itself looks for that, in the folder named here.
use std::env;
use std::process::Command;

fn folder_of_pkg_config() -> Option<String> {
    // A cross build names its own pkg-config, which knows the folders of the target.
    let tool = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
    let output = Command::new(tool).args(["--variable=libdir", "ashlar"]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?.trim().to_string();
    (output.status.success() && !folder.is_empty()).then_some(folder)
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["ASHLAR_LIB_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    if let Some(folder) = env::var("ASHLAR_LIB_DIR").ok().or_else(folder_of_pkg_config) {
        println!("cargo:rustc-link-search=native={folder}");
    }
    let kind = if env::var_os("CARGO_FEATURE_STATIC").is_some() { "static" } else { "dylib" };
    println!("cargo:rustc-link-lib={kind}=ashlar");
}
