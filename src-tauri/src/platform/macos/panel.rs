//! A window made a panel: only an `NSPanel` can have the keyboard while another app is the active one.
#![allow(unsafe_code)]

use std::ffi::c_void;

use objc2::runtime::AnyObject;
use objc2::{ClassType, MainThreadOnly, define_class};
use objc2_app_kit::{
    NSFloatingWindowLevel, NSPanel, NSWindow, NSWindowCollectionBehavior, NSWindowStyleMask,
};

define_class!(
    // SAFETY: NSPanel may be subclassed without conditions, and this class has neither variables nor `Drop`.
    #[unsafe(super(NSPanel))]
    #[thread_kind = MainThreadOnly]
    #[name = "PaprPanel"]
    struct Panel;

    impl Panel {
        /// A window without a title bar would refuse the keyboard.
        #[unsafe(method(canBecomeKeyWindow))]
        fn can_become_key_window(&self) -> bool {
            true
        }

        #[unsafe(method(canBecomeMainWindow))]
        fn can_become_main_window(&self) -> bool {
            false
        }
    }
);

/// Makes the window a panel if it is none yet, and shows it with the keyboard. Whether that could be done.
///
/// # Safety
/// `window` is an `NSWindow` that lives for the length of the call, which is made on the main thread.
pub(super) unsafe fn present(window: *mut c_void) -> bool {
    // SAFETY: the caller's word.
    let Some(window) = (unsafe { window.cast::<NSWindow>().as_ref() }) else { return false };
    if !made_panel(window) {
        return false;
    }
    window.orderFrontRegardless();
    window.makeKeyWindow();
    true
}

fn made_panel(window: &NSWindow) -> bool {
    let object: &AnyObject = window;
    if object.class() == Panel::class() {
        return true;
    }
    // The window keeps the memory that it was made with.
    if Panel::class().instance_size() > object.class().instance_size() {
        return false;
    }
    // SAFETY: both are kinds of NSWindow, and by the check above the panel's variables, of which it adds none to
    // NSPanel's, have room. Nothing that the former class keeps in the window needs to be dropped.
    unsafe { AnyObject::set_class(object, Panel::class()) };
    window.setStyleMask(window.styleMask() | NSWindowStyleMask::NonactivatingPanel);
    window.setCollectionBehavior(
        NSWindowCollectionBehavior::CanJoinAllSpaces | NSWindowCollectionBehavior::FullScreenAuxiliary,
    );
    window.setHidesOnDeactivate(false);
    window.setLevel(NSFloatingWindowLevel);
    true
}
